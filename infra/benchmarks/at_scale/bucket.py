"""A stand-in for S3 on loopback, into which rows are put, and from which they are read."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.fs as pafs

from infra.benchmarks.at_scale.measured import Measured, run

READ = "import sys; from result_reading import read_runs; print(len(read_runs(sys.argv[1])))"
BUCKET = "rows-of-a-benchmark"
PATIENCE = 60.0


def available() -> bool:
    """Whether it is installed."""
    return importlib.util.find_spec("moto") is not None and importlib.util.find_spec("flask") is not None


def read(directory: Path) -> Measured:
    """Reads all rows of a study from a bucket, by a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as stand_in:
        try:
            os.environ.update(_environment(port))
            _await(port)
            bucket = pafs.S3FileSystem(
                access_key="me",
                secret_key="mine",
                endpoint_override=f"http://127.0.0.1:{port}",
                allow_bucket_creation=True,
            )
            bucket.create_dir(BUCKET)
            pafs.copy_files(str(directory / "runs"), f"{BUCKET}/study/runs", destination_filesystem=bucket)
            with bucket.open_output_stream(f"{BUCKET}/study/study.json") as stream:
                stream.write((directory / "study.json").read_bytes())
            return run("-c", READ, f"s3://{BUCKET}/study")
        finally:
            stand_in.terminate()


def _environment(port: int) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "me",
        "AWS_SECRET_ACCESS_KEY": "mine",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _await(port: int) -> None:
    """Waits until something listens. Raises TimeoutError."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(
        f"the stand-in for S3 must listen on port {port} within {PATIENCE:g} s; see whether moto[server] is installed"
    )
