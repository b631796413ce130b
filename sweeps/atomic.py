"""Files that are there whole or not at all, on a local disk or any `pyarrow.fs` filesystem."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs


def write(filesystem: pafs.FileSystem, target: str, content: bytes | pa.Buffer) -> None:
    """Write or replace a file: temporary name, flush, rename; an object store makes an object visible only when it is whole.

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
