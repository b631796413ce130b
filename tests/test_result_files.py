"""A study's files: places, folders of its own, there whole or not at all; what links point to stays as it is."""

from __future__ import annotations

from pathlib import Path

import pyarrow.fs as pafs
import pytest

from analysis.document.files import write_report
from result_files import ForeignFolderError, below, own_folder, write
from sweeps.store.store import Store
from sweeps.tracking.contents import copy_report

LOCAL = pafs.LocalFileSystem()


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("results/", "results/toy"),
        ("what?", "what?/toy"),
        ("s3://bucket/a", "s3://bucket/a/toy"),
        ("s3://bucket/a/?scheme=http&region=x", "s3://bucket/a/toy?scheme=http&region=x"),
    ],
)
def test_a_study_is_below_the_results_and_the_query_of_their_uri_stays_at_its_end(
    where: str, expected: str
) -> None:
    assert below(where, "toy") == expected


def test_file_is_the_old_one_when_the_new_one_cannot_be_written(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write(LOCAL, str(target), b"old")
    with pytest.raises(TypeError):
        write(LOCAL, str(target), "no bytes")  # type: ignore[arg-type]
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_link_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    precious, link = tmp_path / "precious", tmp_path / "link"
    precious.write_text("precious")
    link.symlink_to(precious)
    write(LOCAL, str(link), b"new")
    assert (link.read_bytes(), link.is_symlink(), precious.read_text()) == (b"new", False, "precious")


def test_folder_is_made_and_refused_when_it_is_a_link(tmp_path: Path) -> None:
    study = tmp_path / "study"
    assert own_folder(LOCAL, str(study), "runs") == own_folder(LOCAL, str(study), "runs") == f"{study}/runs"
    (study / "report").symlink_to(tmp_path / "nowhere")
    with pytest.raises(
        ForeignFolderError, match=r"report must be a folder of the study's own, but .* remove the link"
    ):
        own_folder(LOCAL, str(study), "report")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Somebody's folder."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "family.png").write_text("family")
    return folder


@pytest.mark.parametrize("name", ["runs", "curves", "samples", "pictures", "states"])
def test_store_keeps_out_of_folders_that_are_links(name: str, pictures: Path, tmp_path: Path) -> None:
    store = Store(str(tmp_path / "toy"))
    store.create("toy", "?")
    (tmp_path / "toy" / name).rmdir()
    (tmp_path / "toy" / name).symlink_to(pictures)
    with pytest.raises(ForeignFolderError, match=name):
        store.create("toy", "?")


def test_report_keeps_out_of_a_folder_that_is_a_link_and_the_mirror_too(
    pictures: Path, tmp_path: Path
) -> None:
    study = tmp_path / "toy"
    study.mkdir()
    (study / "report").symlink_to(pictures)
    with pytest.raises(ForeignFolderError, match="report"):
        write_report(str(study), {"report.html": b""})
    with copy_report(str(study)) as (folder, digest):
        assert list(folder.iterdir()) == []
        assert digest == ""
    assert [path.name for path in pictures.iterdir()] == ["family.png"]


def test_study_whose_whole_directory_is_a_link_is_one_as_any(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "toy").symlink_to(tmp_path / "bigger disk")
    Store(str(tmp_path / "toy")).create("toy", "?")
    assert write_report(str(tmp_path / "toy"), {"report.html": b"page"}).endswith("bigger disk/report")
    assert (tmp_path / "bigger disk" / "report" / "report.html").read_bytes() == b"page"
