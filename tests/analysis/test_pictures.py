"""Pictures in a report: mosaics by hand, and which figures, runs and words a study on images has."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from analysis import rows
from analysis.contents import made
from analysis.document.blocks import File, flat
from analysis.sections._exemplars import choose
from analysis.sections._picture_grid import grid_figure
from analysis.sections.base import Report, pages
from analysis.sections.pictures import PicturesOfRuns
from analysis.sections.samples import Samples
from result_mosaics import are_images, mosaic
from result_pictures import EXEMPLARS, table

WHITE, LINE, BLACK = [255, 255, 255], [227, 232, 238], [0, 0, 0]
LAMBDAS = (0.01, 0.1)


@pytest.mark.parametrize(
    ("shape", "images"),
    [((8, 8), True), ((1, 28, 28), True), ((3, 64, 64), True), ((2,), False), ((7,), False), ((5, 4, 4), False)],
)  # fmt: skip
def test_points_are_images_by_their_shape(shape, images):
    assert are_images(shape) == images


def test_a_mosaic_of_grey_images_is_ink_with_a_line_between_them():
    four = np.array([0, 255, 51, 0], np.uint8).reshape(4, 1, 1)
    grey = [204, 204, 204]  # 255 − 51
    assert mosaic(four, (1, 1), ink=True).tolist() == [
        [WHITE, LINE, BLACK],
        [LINE, LINE, LINE],
        [grey, LINE, WHITE],
    ]
    np.testing.assert_array_equal(
        mosaic(four, (1, 1), ink=True), mosaic(four.astype(np.float32) / 255, (1, 1), ink=True)
    )


def test_a_mosaic_of_grey_photographs_is_light_and_colours_are_the_same_either_way():
    four = np.array([0, 255, 51, 0], np.uint8).reshape(4, 1, 1)
    grey = [51, 51, 51]
    light = [[BLACK, LINE, WHITE], [LINE, LINE, LINE], [grey, LINE, BLACK]]
    assert mosaic(four, (1, 1), ink=False).tolist() == light
    colours = np.arange(12, dtype=np.uint8).reshape(1, 3, 2, 2)
    np.testing.assert_array_equal(*(mosaic(colours, (3, 2, 2), ink=ink) for ink in (True, False)))


def test_a_mosaic_keeps_pairs_together_and_leaves_out_what_is_too_much():
    pairs = np.zeros((8, 2, 1, 1), np.uint8)
    pairs[:, 1] = 255
    # 16 images, 4 each way: two pairs beside each other, white inside of them and two pixels of a line between them.
    row = [WHITE, WHITE, BLACK, LINE, LINE, WHITE, WHITE, BLACK]
    whole = mosaic(pairs, (1, 1), ink=True)
    assert whole.shape == (7, 8, 3)
    assert whole[0].tolist() == whole[6].tolist() == row
    assert mosaic(pairs, (1, 1), side=2, ink=True).shape == (3, 3, 3)
    assert mosaic(pairs[:1], (1, 1), ink=True).tolist() == [[WHITE, WHITE, BLACK]]


def test_a_mosaic_of_lines_has_one_in_each_row_and_colours_are_themselves():
    lines = np.zeros((2, 4, 3, 2, 2), np.uint8)
    lines[:, :, 0] = 200
    whole = mosaic(lines, (3, 2, 2), ink=True)
    assert whole.shape == (2 + 1 + 2, 4 * 2 + 3, 3)
    assert whole[0, 0].tolist() == [200, 0, 0]
    assert mosaic(np.full((1, 3, 1, 1), np.nan, np.float32), (3, 1, 1), ink=True).tolist() == [[BLACK]]


def test_a_long_figure_is_split_into_pages_as_even_as_can_be():
    names = [f"a{n}" for n in range(7)]
    found = list(pages(names, 3))
    assert [len(part) for _, part in found] == [2, 2, 3]
    assert [name for _, part in found for name in part] == names
    assert [page.suffix for page, _ in found] == ["", "_page_2", "_page_3"]
    assert found[1][0].words == " Page 2 of 3."
    assert [page.words for page, _ in pages(names, 7)] == [""]
    assert list(pages([], 3)) == []


def test_a_grid_says_where_there_is_no_run_and_where_lambda_changes_nothing():
    cell = mosaic(np.zeros((4, 2, 2), np.uint8), (2, 2), ink=True)
    cells = {(0.01, "alice"): cell, (0.01, "vae"): cell}
    panels = grid_figure(cells, LAMBDAS, ["alice", "vae"], {"vae"}).axes
    assert [len(panel.images) for panel in panels] == [1, 1, 0, 0]
    assert [[text.get_text() for text in panel.texts] for panel in panels[2:]] == [
        ["no COMPLETED run"],
        ["as above"],
    ]
    assert [panel.get_title() for panel in panels] == ["ALICE", "VAE", "", ""]
    assert [panel.get_ylabel() for panel in panels] == ["λ = 0.01", "", "λ = 0.1", ""]


@pytest.fixture
def images(store, run):
    """Writes a study on images of three runs for each algorithm and λ, and reads it."""

    def written(algorithms=("svae_r", "alice", "gan"), shape=(4, 4), points=False):
        runs = [run(a, i, lam, inception_score=3.0 + i) for a in algorithms for lam in LAMBDAS for i in range(3)]  # fmt: skip
        where = store(runs, points=8 * int(np.prod(shape)))
        fields = json.loads((where / "study.json").read_text())
        own = {"gan": {}, "vae": {}}
        fields |= {"shape": shape, "own": own, "headline": ["inception_score"]}
        (where / "study.json").write_text(json.dumps(fields))
        draw = np.random.default_rng(0)
        kinds = {"samples": (16,), "reconstructions": (8, 2), "interpolations": (4, 4)}
        drawn = {
            one["run_key"]: {
                kind: draw.integers(256, size=(*lead, *shape), dtype=np.uint8)
                for kind, lead in kinds.items()
                if kind != "reconstructions" or one["algorithm"] != "gan"
            }
            for one in runs
        }
        (where / "pictures").mkdir()
        pq.write_table(table(drawn), where / "pictures" / "0.parquet")
        if not points:
            (where / "samples" / "0.parquet").unlink()
        return rows.load(str(where))

    return written


def test_a_study_on_images_has_figures_of_every_kind_against_lambda_and_of_each_lambda(images):
    study = images()
    part = made(PicturesOfRuns(), Report(study))
    kinds = ("samples", "reconstructions", "interpolations")
    each = [f"{kind}_lambda_{lam}" for kind in kinds[1:] for lam in LAMBDAS]
    found = {block.name for block in flat(part.blocks) if hasattr(block, "png")}
    assert found == {*(f"{kind}_against_lambda" for kind in kinds), *each}
    words = [block.words for block in part.blocks if hasattr(block, "words")]
    assert words[::2] == ["Samples", "Reconstructions", "Interpolations"]
    assert (
        sum(bool(block.png) for block in made(Samples(), Report(study)).blocks if hasattr(block, "png")) == 2
    )


def test_samples_of_images_are_drawn_from_pictures_where_no_points_are_stored(images):
    study = images()
    (figure, *_) = [block for block in Samples().blocks(Report(study)) if hasattr(block, "figure")]
    panels = figure.figure.axes
    assert [len(panel.images) for panel in panels] == [1] * 9
    assert panels[0].images[0].get_array().shape == (4 * 4 + 3, 4 * 4 + 3, 3)


def test_exemplars_are_told_beside_the_report_by_run_and_rank(images):
    study = images()
    (file,) = [block for block in Samples().opening(Report(study)) if isinstance(block, File)]
    assert file.name == EXEMPLARS
    told = json.loads(file.data)
    runs = study.trained.set_index("run_key")
    assert all(len(ranks) == 1 for ranks in told.values())
    for rank, score in (("worst", 3.0), ("median", 4.0), ("best", 5.0)):
        chosen = [key for key, ranks in told.items() if rank in ranks]
        assert {runs.loc[key, "inception_score"] for key in chosen} == {score}
    assert set(told) == set(choose(study).ranks)


def test_of_many_systems_there_are_pages(images):
    names = ["svae_r", "alice", "ali", "vae", "aae", "avb", "gan"]
    found = {
        block.name: block
        for block in PicturesOfRuns().blocks(Report(images(names)))
        if hasattr(block, "figure")
    }
    assert {"samples_against_lambda", "samples_against_lambda_page_2", "reconstructions_against_lambda"} <= set(found)  # fmt: skip
    assert "reconstructions_against_lambda_page_2" not in found  # GAN has none: six systems
    assert found["samples_against_lambda_page_2"].caption.endswith("Page 2 of 2.")


def test_data_that_are_no_images_have_no_such_section(store, run):
    study = rows.load(str(store([run("alice", i) for i in range(3)])))
    assert list(PicturesOfRuns().blocks(Report(study))) == []


def test_the_same_pictures_give_the_same_files(images):
    study = images(("alice",), shape=(3, 4, 4))
    once, again = (made(PicturesOfRuns(), Report(study)).blocks for _ in range(2))
    assert once == again
