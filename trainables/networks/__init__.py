"""Networks, a file each: found, not listed. Adding one is adding a file here, or in a repository of one's own (`part_registry`)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import part_registry

if TYPE_CHECKING:
    from trainables.networks.base import Network


@functools.cache
def available() -> dict[str, Network]:
    """Every network by name, in alphabetical order."""
    from trainables.networks.base import Network

    return part_registry.contributed(__name__, "networks", __path__, Network)


@functools.cache
def find(name: str) -> Network:
    """The network called `name`, or at an import path module:Class, without values. Raises ValueError naming those there are."""
    from trainables.networks.base import Network

    network: Network = part_registry.find(name, available(), Network, "a network")
    return network
