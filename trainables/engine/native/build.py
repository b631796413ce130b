"""Kernels in C++ for CPUs, built on first use: a shared library per source and processor, kept in a cache folder.

Where there is no C++ compiler the engine runs on torch's own operations: the same results up to rounding, slower.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

from trainables import cache

SOURCES = Path(__file__).parent
FLAGS = (
    "-O3",
    "-march=native",
    "-std=c++17",
    "-fno-math-errno",
    "-D__FAST_MATH__",
    "-shared",
    "-fPIC",
    "-Wno-psabi",
)
"""`__FAST_MATH__` gives loops glibc's vector exp, log, sin and cos; the arithmetic stays IEEE's, NaN included."""

STRICT = ("-ffp-contract=off",)
"""Of losses: a term that is zero changes no bit of the rest, whatever else the compiler could contract it with."""

COMPILERS = ("g++", "clang++", "c++")


@functools.cache
def library() -> ctypes.CDLL | None:
    """The kernels, compiled if they are not yet; None, with one warning, where they cannot be had."""
    if missing():
        warnings.warn(missing(), stacklevel=2)
        return None
    return ctypes.CDLL(str(kernels()))


@functools.cache
def missing() -> str:
    """Why there are no kernels here, and the remedy; '' where there are."""
    try:
        ctypes.CDLL(str(kernels()))
    except (OSError, subprocess.SubprocessError) as error:
        reason = " ".join((getattr(error, "stderr", "") or str(error)).split())[:300]
        return f"native kernels are not used, training is slower: {reason}; install g++ or set CXX"
    return ""


def kernels() -> Path:
    """The kernels' shared library for this processor.

    Raises:
        OSError: there is no compiler, or the cache folder cannot be written.
        subprocess.CalledProcessError: the compiler refused; `stderr` says why.
    """
    return _built("kernels", _sources(), sorted(SOURCES.glob("*.cpp")), [])


def are_built() -> bool:
    """Whether the kernels' library for this processor is there."""
    try:
        return _target("kernels", _sources())[1].exists()
    except OSError:
        return False


@functools.cache
def compiled(source: str) -> ctypes.CDLL:
    """C++ that uses the kernels (`kernels.h`), compiled and loaded. Raises as `kernels`."""
    base = kernels()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "source.cpp")
        path.write_text(source)
        return ctypes.CDLL(
            str(_built("losses", [source, base.name, *STRICT], [path], [*STRICT, f"-I{SOURCES}", str(base)]))
        )


def _built(name: str, contents: Sequence[str], sources: Sequence[Path], more: Sequence[str]) -> Path:
    """The library of the sources, found in the cache by their contents or compiled into it."""
    compiler, target = _target(name, contents)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with cache.locked(target.with_suffix(".lock")):
            if not target.exists():
                _build([compiler, *FLAGS, *map(str, sources), *more], target)
    return target


def _sources() -> list[str]:
    return [path.read_text() for path in sorted([*SOURCES.glob("*.cpp"), *SOURCES.glob("*.h")])]


def _target(name: str, contents: Sequence[str]) -> tuple[str, Path]:
    """The compiler, and where the cache has the library of these contents."""
    compiler = os.environ.get("CXX") or next(filter(shutil.which, COMPILERS), None)
    if compiler is None:
        raise OSError(f"no C++ compiler found, looked for {', '.join(COMPILERS)}")
    digest = hashlib.blake2b(digest_size=8)
    for content in (compiler, _release(compiler), *FLAGS, _processor(), *contents):
        digest.update(content.encode() + b"\0")
    return compiler, cache.folder() / f"{name}-{digest.hexdigest()}.so"


def _release(compiler: str) -> str:
    """Size and time of the compiler's file, which differ from one release to the next; '' where it is not there."""
    path = shutil.which(compiler)
    if path is None:
        return ""
    status = Path(path).resolve().stat()
    return f"{status.st_size} {status.st_mtime_ns}"


def _build(command: Sequence[str], target: Path) -> None:
    """Run the compiler; the library is there whole or not at all."""
    with cache.replacing(target) as temporary:
        subprocess.run([*command, "-o", str(temporary)], check=True, capture_output=True, text=True)


@functools.cache
def _processor() -> str:
    """What `-march=native` depends on."""
    try:
        info = Path("/proc/cpuinfo").read_text()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    wanted = ("model name", "flags", "Features")
    return "\n".join(dict.fromkeys(line for line in info.splitlines() if line.startswith(wanted)))
