"""Links of the built site: each leads to a file that is there and, with an anchor, to a place in it.

    python -m infra.documentation.links docs/_site

Links to other sites are not followed. Exit codes: 0, 1 where a link leads nowhere, with a line for each.
"""

from __future__ import annotations

import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import command_output


class Page(HTMLParser):
    """A page's links and the places that links can lead to.

    Attributes:
        links: of `href` and `src`.
        places: of `id` and `name`.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Takes down an element's links and its places."""
        for name, value in attrs:
            if name in ("href", "src") and tag != "form":
                self.links.append(value or "")
            elif name in ("id", "name"):
                self.places.add(value or "")


@cache
def page(path: Path) -> Page:
    """A page that is there."""
    return Page(path.read_text())


def broken(site: Path) -> list[str]:
    """A line for each link below a folder that leads nowhere."""
    found = []
    for path in sorted(site.rglob("*.html")):
        for link in dict.fromkeys(page(path).links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            if not target.is_file():
                found.append(f"{path.relative_to(site)}: {link}: there is no such file")
            elif (
                parts.fragment
                and target.suffix == ".html"
                and unquote(parts.fragment) not in page(target).places
            ):
                found.append(f"{path.relative_to(site)}: {link}: there is no such place in it")
    return found


def main(site: Path) -> int:
    """Runs the command; returns its exit code."""
    lines = broken(site)
    print("\n".join(lines) or f"links of {len(list(site.rglob('*.html')))} pages lead somewhere")
    return 1 if lines else 0


if __name__ == "__main__":
    command_output.lasting()
    sys.exit(main(Path(sys.argv[1])))
