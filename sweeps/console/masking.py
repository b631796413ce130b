"""Secrets in URIs: never in a message, a link or a list of processes."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

MASK = "***"

_USER = re.compile(
    r"(?P<scheme>\b(?!sqlite)\w[\w+.-]*://)(?P<user>[^\s/?#'\"@:]*)"
    r"(?P<secret>:(?!\d+/)[^\s'\"]*?)?@(?=[^\s@'\"/]*(?:[\s/?#'\"]|$))"
)
_QUERY = re.compile(
    r"(?i)([?&;][\w.-]*(?:pass|pwd|secret|token|key|auth|signature)[\w.-]*=)[^&;\s'\"#]*",
)


def masked(text: str) -> str:
    """A URI, or a text that quotes some, with *** in place of its secrets.

    Secrets are passwords, the lone user of a web address, which may be a token, and query parameters named like one.
    """

    def hide(match: re.Match[str]) -> str:
        scheme, user, secret = match["scheme"], match["user"], match["secret"]
        lone = MASK if scheme.startswith("http") and user else user
        return f"{scheme}{lone if secret is None else f'{user}:{MASK}'}@"

    return _QUERY.sub(rf"\1{MASK}", _USER.sub(hide, text))


def without_user(uri: str) -> str:
    """A web address without its user and password: whoever opens it is asked for them."""
    return urlsplit(uri)._replace(netloc=urlsplit(uri).netloc.rpartition("@")[2]).geturl()
