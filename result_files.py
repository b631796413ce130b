"""A study's files: where they are, in folders of its own, there whole or not at all.

Shared by `sweeps` and `analysis`, as the result schema is. A directory is a local path or any `pyarrow.fs` URI.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs


class PlaceError(ValueError):
    """A directory cannot be named so; the message says the rule and the remedy."""


class ForeignFolderError(ValueError):
    """A folder of a study leads out of its directory; the message says the rule and the remedy."""


def below(where: str, name: str) -> str:
    """A place in a directory or URI, whose query (`?endpoint_override=…`) stays at its end."""
    path, mark, query = where.partition("?") if "://" in where else (where, "", "")
    return f"{path.rstrip('/')}/{name}{mark}{query}"


def open_directory(uri: str) -> tuple[pafs.FileSystem, str]:
    """Filesystem and path of a directory. Raises PlaceError where its name is empty or has a password in it."""
    if not uri.strip():
        raise PlaceError(
            f"results directory must not be empty, got {uri!r}; name it, such as results/toy_robustness"
        )
    user = uri.partition("://")[2].partition("?")[0].rpartition("@")[0]
    if ":" in user.partition("/")[0]:
        raise PlaceError("results URI must have no password in it, for reports and lists of processes show it; "
                         "put it where its storage looks, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")  # fmt: skip
    if "://" in uri:
        filesystem, path = pafs.FileSystem.from_uri(uri)
        return filesystem, path
    return pafs.LocalFileSystem(), str(Path(uri).expanduser().resolve())


def visible_files(filesystem: pafs.FileSystem, folder: str) -> list[pafs.FileInfo]:
    """Lists a folder, empty if it does not exist; without hidden files, which systems and tools put there for themselves."""
    entries = filesystem.get_file_info(pafs.FileSelector(folder, allow_not_found=True))
    return [entry for entry in entries if not entry.base_name.startswith(".")]


def is_link(filesystem: pafs.FileSystem, path: str) -> bool:
    """Whether a path leads elsewhere; object stores have no links."""
    return isinstance(filesystem, pafs.LocalFileSystem) and Path(path).is_symlink()


def own_folder(filesystem: pafs.FileSystem, path: str, name: str) -> str:
    """Path of a folder of the directory `path`, made where it is not there.

    Raises:
        ForeignFolderError: it is a link, and what is written and removed there would be another's.
        OSError: it cannot be made.
    """
    folder = f"{path}/{name}"
    if is_link(filesystem, folder):
        raise ForeignFolderError(f"{folder} must be a folder of the study's own, but it is a link to {Path(folder).readlink()}; "
                                 "remove the link, or link the study's whole directory")  # fmt: skip
    filesystem.create_dir(folder, recursive=True)
    return folder


def write(filesystem: pafs.FileSystem, target: str, content: bytes | pa.Buffer) -> None:
    """Write or replace a file: temporary name, flush, rename; an object store makes an object visible only when it is whole.

    A link is replaced, and what it points to stays as it is.

    Raises OSError; the previous file, if any, is then as it was.
    """
    if not isinstance(filesystem, pafs.LocalFileSystem):
        with filesystem.open_output_stream(target) as stream:
            stream.write(content)
        return
    temporary = Path(f"{target}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def create(target: str, content: bytes) -> bool:
    """Write a local file that nobody has written before; False, and nothing is changed, where it is there.

    Exclusive also on NFS, and where there are no links. A reader may see it empty for a moment.
    """
    try:
        with Path(target).open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except FileExistsError:
        return False
    return True
