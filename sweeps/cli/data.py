"""Image data sets: where their files go, and which are here.

    python -m sweeps.cli.data                          a line for each
    python -m sweeps.cli.data --prepare celeba         and read that one now, not in its first study

Nothing is downloaded. Exit codes: 0, 2 bad input or files that are not here.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

import tyro

import command_output
from sweeps.console import command_line
from sweeps.console.errors import check_given
from trainables import datasets
from trainables.datasets.files import root


@dataclass(frozen=True)
class Options:
    """Options of the command that lists image data sets."""

    data_dir: Annotated[
        str | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="(default: as of a study)")
    ] = None
    """Folder with the files of image data sets."""
    prepare: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME ...", help_behavior_hint="")] = ()
    """Read these now, and train the classifier that measures them; for a cluster, in a folder that its nodes share."""


def main(options: Options) -> int:
    """Run the command; returns its exit code."""
    try:
        check_given(options)
        with root.using(options.data_dir):
            for line in lines():
                print(line)
            for name in options.prepare:
                datasets.check(name)
                datasets.find(name).prepare(print)
                print(f"prepared  {datasets.find(name).version}")
    except (ValueError, OSError) as error:
        print(f"sweeps.cli.data: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


def lines() -> list[str]:
    """The root folder, then of each image data set where its files are, or what is missing, where it goes and who has it.

    Raises:
        ValueError: the folder that was named is none.
    """
    from trainables.datasets.images.base import Images  # torch

    at = root.folder()
    found = [
        f"folder    {at}; another with --data-dir or {root.VARIABLE}; each set in a folder of its own below it"
    ]
    for name, data in datasets.available().items():
        if not isinstance(data, Images):
            continue
        here, missing = data.files.search(at)
        places = dict.fromkeys(str(path.parent) for path in here.values())
        if not missing:
            found.append(f"here      {name}: {', '.join(places)}")
        else:
            verb = "lacks" if here else "is for"
            words = f"{data.files.folders[0]}/ {verb} {data.files.listed(missing)}; from {data.home}"
            found.append(f"not here  {name}: {words}")
    return found


if __name__ == "__main__":
    command_output.lasting()
    sys.exit(main(command_line.read(Options, "python -m sweeps.cli.data", __doc__ or "")))
