"""A mirror of a part of a study: which runs, the same whenever it is made, and a list that is asked for once."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from result_manifest import MANIFEST
from result_metrics import VERSION_1
from sweeps.tracking import mirror, mlflow_store, selection
from sweeps.tracking.mirrored_runs import Mirror
from sweeps.tracking.mlflow_store import ExperimentStore, TrackingError
from sweeps.tracking.selection import ALL, AUTO, BOTH, SAMPLE, Selection
from sweeps.tracking.study_rows import StudyRows
from sweeps.tracking.summaries import KEY
from tests.sweeps.small_study import MANIFEST_OF_STUDY, STARTED, SmallStudy, curve, mlflow_client, row, search

PAIRS = 6
"""Configurations of the study, with two seeds each, under two algorithms."""


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallStudy:
    """24 runs, of which one diverged and one failed; of more than 10 a part is mirrored, 6 in a sample on average."""
    monkeypatch.setattr(selection, "MOST", 10)
    monkeypatch.setattr(selection, "SAMPLED", 6)
    study = SmallStudy(tmp_path / "toy_robustness")
    for seed in (0, 1):
        add(study, seed)
    return study


def add(study: SmallStudy, seed: int) -> None:
    rows = [
        row(
            f"{algorithm}-{c}-{seed}", outcome(algorithm, c, seed), algorithm=algorithm, seed=seed, configuration=c,
            configuration_key=f"c{c}", **values(algorithm, c, seed),
        )
        for algorithm in ("svae_r", "alice")
        for c in range(PAIRS)
    ]  # fmt: skip
    study.add(rows, [point for one in rows for point in curve(one["run_key"])])


def outcome(algorithm: str, c: int, seed: int) -> str:
    return {("alice", 3, 0): "DIVERGED", ("svae_r", 4, 1): "FAILED"}.get((algorithm, c, seed), "COMPLETED")


def values(algorithm: str, c: int, seed: int) -> dict[str, float]:
    """Of both headline metrics the same run is best; none where there is no result."""
    if outcome(algorithm, c, seed) != "COMPLETED":
        return {}
    return {"mse_x": (100.0 - 2 * c - seed) / 100, "inception_score": 1 + (2 * c + seed) / 10}


EXEMPLARS = {f"{algorithm}-{c}" for algorithm in ("svae_r", "alice") for c in ("0-0", f"{PAIRS - 1}-1")}
"""Best and worst of each algorithm."""


def mirrored(study: SmallStudy, uri: str, policy: str = AUTO, **options: Any) -> set[str]:
    """Keys of the runs in MLflow after a mirroring."""
    assert mirror.main(mirror.Options(study.uri, tracking_uri=uri, mirror=policy, **options)) == 0
    return set(search(uri))


def drawn(halvings: int) -> set[str]:
    """Keys of the runs in a sample."""
    pairs = [(f"c{c}", seed) for c in range(PAIRS) for seed in (0, 1)]
    table = pa.table({"configuration_key": [key for key, _ in pairs], "seed": [seed for _, seed in pairs]})
    kept = Selection(SAMPLE, halvings).drawn(table)
    return {
        f"{algorithm}-{key[1:]}-{seed}"
        for algorithm in ("svae_r", "alice")
        for (key, seed), one in zip(pairs, kept, strict=True)
        if one
    }


def test_a_sample_is_a_share_of_pairs_and_part_of_a_larger_sample() -> None:
    keys = pa.array([f"{n:016x}" for n in range(2_000) for _ in range(5)])
    pairs = pa.table({"configuration_key": keys, "seed": np.tile(np.arange(5), 2_000)})
    masks = [Selection(SAMPLE, halvings).drawn(pairs) for halvings in range(5)]
    assert masks[0].all()
    for halvings, mask in enumerate(masks):
        share = 2.0**-halvings
        # Five standard deviations of a binomial share of 10,000
        assert abs(mask.mean() - share) <= 5 * (share * (1 - share) / 10_000) ** 0.5
        assert not (mask & ~masks[max(0, halvings - 1)]).any()
    assert len(set(masks[1].reshape(2_000, 5).sum(1))) > 2  # seeds of a configuration are drawn apart


@pytest.mark.parametrize(
    ("policy", "runs", "expected"),
    [
        (AUTO, 20_000, Selection(ALL, 1)),
        (AUTO, 20_001, Selection(BOTH, 2)),
        (AUTO, 1_152_000, Selection(BOTH, 7)),
        (SAMPLE, 10_000, Selection(SAMPLE, 0)),
        (ALL, 10**6, Selection(ALL, 7)),
    ],
)
def test_selection_depends_on_the_number_of_runs(policy: str, runs: int, expected: Selection) -> None:
    assert selection.selection(policy, runs) == expected


def test_of_many_runs_mlflow_has_the_sample_failures_exemplars_and_means(
    many: SmallStudy, uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    there = mirrored(many, uri)
    sample = drawn(2)  # of 24 runs a quarter is 6
    assert 0 < len(sample) < 24
    assert there >= sample | EXEMPLARS | {"alice-3-0", "svae_r-4-1"}
    assert len(there - sample - EXEMPLARS - {"alice-3-0", "svae_r-4-1"}) <= 2  # medians
    assert {key for key, run in search(uri).items() if run.data.tags.get("sampled") == "1/4"} == sample
    experiment = mlflow_client(uri).get_experiment_by_name("toy_robustness")
    note = experiment.tags["mlflow.note.content"]
    assert note.startswith(MANIFEST_OF_STUDY.question)
    assert "a sample of 1/4 of the runs" in note
    out = capsys.readouterr().out
    assert f" written, {len(there)} of 24 runs of toy_robustness" in out
    assert out.strip().endswith("means over the seeds of each configuration (tags.kind = 'configuration')")


def means(uri: str) -> dict[tuple[str, str], Any]:
    client = mlflow_client(uri)
    experiment = client.get_experiment_by_name("toy_robustness")
    found = client.search_runs([experiment.experiment_id], "tags.kind = 'configuration'")
    assert len({run.data.tags[KEY] for run in found}) == len(found)
    return {(run.data.params["algorithm"], run.data.params["configuration"]): run for run in found}


def test_means_are_over_the_seeds_of_a_configuration(many: SmallStudy, uri: str) -> None:
    mirrored(many, uri, "aggregates")
    assert search(uri) == {}
    found = means(uri)
    assert 0 < len(found) < 12  # of 12 means half are 6
    both = [key for key in found if key not in {("alice", "3"), ("svae_r", "4")}]
    c = int(both[0][1])
    run = found[both[0]]
    # Seeds 0 and 1 have (100 - 2 c) / 100 and (100 - 2 c - 1) / 100
    assert run.data.metrics["mse_x"] == pytest.approx((100 - 2 * c - 0.5) / 100)
    assert (run.data.metrics["runs"], run.data.metrics["completed"]) == (2.0, 2.0)
    assert "seed" not in run.data.params
    assert run.data.params["width"] == "64"
    assert run.info.run_name == f"{both[0][0]} λ=0.1 #{c:04d} mean of 2"


def test_means_count_runs_without_a_result_and_leave_them_out(
    many: SmallStudy, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection, "SAMPLED", 100)
    mirrored(many, uri, "aggregates")
    found = means(uri)
    assert len(found) == 12
    diverged, failed = found["alice", "3"].data.metrics, found["svae_r", "4"].data.metrics
    assert (diverged["runs"], diverged["diverged"], diverged["completed"]) == (2.0, 1.0, 1.0)
    assert diverged["mse_x"] == pytest.approx((100 - 6 - 1) / 100)  # seed 1 alone
    assert (failed["failed"], failed["completed"]) == (1.0, 1.0)


def test_a_second_mirror_of_many_adds_nothing_and_a_further_seed_changes_its_means(
    many: SmallStudy, uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = mirrored(many, uri)
    before = {key: run.info.run_id for key, run in means(uri).items()}
    capsys.readouterr()
    assert mirrored(many, uri) == first
    assert capsys.readouterr().out.startswith("mirrored: 0 written")
    assert {key: run.info.run_id for key, run in means(uri).items()} == before
    add(many, 2)
    assert mirrored(many, uri) >= first  # what is there stays
    assert {run.data.metrics["runs"] for run in means(uri).values()} == {3.0}


@pytest.mark.parametrize("whole", [True, False])
def test_what_stands_for_all_runs_is_written_before_the_end_where_the_last_is_stored(
    many: SmallStudy, uri: str, whole: bool
) -> None:
    declared = 23 if whole else 24  # one of 24 failed, and may be tried again
    work = Mirror(StudyRows(many.uri, AUTO, declared=declared), uri)
    work.step()
    before = {key: run.info.run_id for key, run in means(uri).items()}
    assert bool(before) == whole
    assert (set(search(uri)) >= EXEMPLARS) == whole
    work.step()
    work.step(report=True)
    after = {key: run.info.run_id for key, run in means(uri).items()}
    assert after == before if whole else after
    assert set(search(uri)) >= EXEMPLARS


def test_a_mirror_that_followed_was_killed_or_is_rebuilt_has_the_same_runs(
    many: SmallStudy, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = mirrored(many, uri)
    grown = SmallStudy(tmp_path / "elsewhere" / "toy_robustness")
    other = f"sqlite:///{tmp_path}/other.db"
    for seed in (0, 1):
        add(grown, seed)
        work = Mirror(StudyRows(grown.uri, AUTO, declared=24), other)
        if seed == 0:
            written = iter(range(5))
            write = ExperimentStore.write

            def some(
                store: ExperimentStore, content: Any, write: Any = write, left: Iterator[int] = written
            ) -> str:
                if next(left, None) is None:
                    raise TrackingError("killed")
                return str(write(store, content))

            monkeypatch.setattr(ExperimentStore, "write", some)
            with pytest.raises(TrackingError):
                work.step()
            monkeypatch.setattr(ExperimentStore, "write", write)
        else:
            work.step()
            assert drawn(2) <= set(search(other)) < whole  # exemplars are written at the end
    assert mirrored(grown, other) == whole


def test_rows_are_known_by_their_keys_when_their_files_are_folded(
    many: SmallStudy, uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = mirrored(many, uri)
    fold(many)
    capsys.readouterr()
    assert mirrored(many, uri) == first
    assert capsys.readouterr().out.startswith("mirrored: 0 written")


def test_curves_are_found_in_folded_files(many: SmallStudy, uri: str) -> None:
    fold(many)
    mirrored(many, uri, SAMPLE)
    client = mlflow_client(uri)
    for key, run in search(uri).items():
        steps = len(client.get_metric_history(run.info.run_id, "critic_loss"))
        assert steps == (0 if key in ("alice-3-0", "svae_r-4-1") else 3), key


def fold(study: SmallStudy) -> None:
    """All tables of a folder in one, under a name of its own."""
    for folder in ("runs", "curves"):
        files = sorted((study.directory / folder).iterdir())
        table = pa.concat_tables([pq.read_table(file) for file in files])
        for file in files:
            file.unlink()
        pq.write_table(table.sort_by("run_key"), study.directory / folder / f"folded-{folder}.parquet")


def test_a_run_whose_row_changes_is_written_anew_also_outside_the_sample(many: SmallStudy, uri: str) -> None:
    there = mirrored(many, uri, ALL)
    key = sorted(there - drawn(2) - EXEMPLARS)[0]
    algorithm, c, seed = key.split("-")
    fields: dict[str, Any] = {"algorithm": algorithm, "configuration": int(c), "configuration_key": f"c{c}"}
    many.add([row("svae_r-4-1", seed=1, algorithm="svae_r", configuration=4, configuration_key="c4")])
    many.add(
        [row(key, seed=int(seed), **fields, finished_at=STARTED, mse_x=0.5)]
    )  # finished before the one that is there
    assert mirrored(many, uri) == there
    assert search(uri)["svae_r-4-1"].data.tags["outcome"] == "COMPLETED"
    assert search(uri)[key].data.metrics["mse_x"] == 0.5


def follow(study: SmallStudy, uri: str) -> str:
    """Message of a mirror as a study's command ends it."""
    stop = threading.Event()
    stop.set()
    result = mirror.mirror(study.uri, uri, stop, trusting=True)
    assert result.complete
    return result.message


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Queries for runs."""
    queries: list[str] = []
    runs = ExperimentStore.runs

    def noted(store: ExperimentStore, query: str = "") -> Any:
        queries.append(query)
        return runs(store, query)

    monkeypatch.setattr(ExperimentStore, "runs", noted)
    return queries


def test_a_kept_list_is_taken_up_and_not_asked_for(many: SmallStudy, uri: str, asked: list[str]) -> None:
    follow(many, uri)
    assert asked == [""]
    there = set(search(uri))
    mlflow_client(uri).create_experiment("another study")  # the database has changed, the list has not
    assert follow(many, uri).startswith(f"mirrored: 0 written, {len(there)} of 24 runs")
    fold(many)
    assert follow(many, uri).startswith("mirrored: 0 written")
    assert asked == [""]
    add(many, 2)
    follow(many, uri)
    assert asked == [""]
    assert set(search(uri)) > there


def test_a_kept_list_is_not_trusted_when_a_mirror_wrote_since(
    many: SmallStudy, uri: str, tmp_path: Path, asked: list[str]
) -> None:
    follow(many, uri)
    digests = tmp_path / "digests"
    shutil.copytree(many.directory / "digests", digests)
    add(many, 2)
    follow(many, uri)
    shutil.rmtree(many.directory / "digests")
    shutil.copytree(digests, many.directory / "digests")  # a list from before
    there = set(search(uri))
    follow(many, uri)
    assert asked == ["", ""]
    assert set(search(uri)) == there


def test_a_mirror_by_hand_notices_a_run_that_was_deleted(many: SmallStudy, uri: str) -> None:
    follow(many, uri)
    there = search(uri)
    mlflow_client(uri).delete_run(next(iter(there.values())).info.run_id)
    assert mirrored(many, uri) == set(there)


@pytest.mark.parametrize("committed", [True, False])
def test_after_a_failure_only_what_was_being_written_is_asked_for(
    many: SmallStudy, uri: str, asked: list[str], monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    monkeypatch.setattr(mlflow_store, "TOGETHER", 3)
    work, transaction = Mirror(StudyRows(many.uri, SAMPLE), uri), ExperimentStore.transaction
    begun: list[int] = []

    @contextmanager
    def lost(store: ExperimentStore) -> Iterator[None]:
        begun.append(1)
        with transaction(store):
            yield
            if len(begun) == 2 and not committed:
                raise TrackingError("killed")
        if len(begun) == 2:
            raise TrackingError("no answer")

    monkeypatch.setattr(ExperimentStore, "transaction", lost)
    with pytest.raises(TrackingError):
        work.step()
    there = set(search(uri))
    assert len(there) == (6 if committed else 3)  # a transaction is there as a whole, or not at all
    work.step(report=True)
    assert asked[0] == ""
    assert len(asked) == 4
    assert {query.split("'")[1] for query in asked[1:]} <= set(search(uri))
    assert work.remaining == []
    assert there <= set(search(uri))  # which fails where one is there twice


def test_an_unknown_policy_is_refused(many: SmallStudy, uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert mirror.main(mirror.Options(many.uri, tracking_uri=uri, mirror="some")) == 2
    assert (
        "--mirror must be one of auto, all, sample, aggregates, sample+aggregates, got 'some'"
        in capsys.readouterr().err
    )


def test_exemplars_are_told_by_the_headline_of_the_manifest(many: SmallStudy, uri: str) -> None:
    metrics = tuple(metric for metric in VERSION_1 if metric.name != "mse_x")
    manifest = replace(MANIFEST_OF_STUDY, metrics=metrics, headline=("inception_score",))
    (many.directory / MANIFEST).write_text(manifest.to_json())
    for file in (*(many.directory / "runs").iterdir(), *(many.directory / "curves").iterdir()):
        pq.write_table(pq.read_table(file).drop_columns(["mse_x"]), file)
    assert mirrored(many, uri) >= EXEMPLARS
