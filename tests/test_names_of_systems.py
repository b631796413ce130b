"""Labels and baselines of systems: declared on their classes, carried by the manifest, read by reports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.stored_names import BASELINES, LABELS
from analysis.words import label, naming
from result_manifest import MANIFEST, Manifest, SchemaError, read_manifest
from sweeps.store.store import Store
from trainables import objectives


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(str(tmp_path / "toy"))
    store.create("toy", "?")
    return store


def test_a_store_writes_the_labels_and_baselines_of_every_class(store: Store) -> None:
    manifest = read_manifest(store.uri)
    available = objectives.available()
    assert manifest.labels == {name: one.label for name, one in available.items()}
    assert manifest.baselines["svae_r"] == available["svae_r"].baselines == ("alice",)
    assert "alice" not in manifest.baselines


def test_baselines_are_systems() -> None:
    available = objectives.available()
    assert [name for one in available.values() for name in one.baselines if name not in available] == []


def test_systems_of_stored_studies_are_called_as_their_classes_say_and_compared_alike() -> None:
    available = objectives.available()
    assert {name: available[name].label for name in LABELS} == LABELS
    assert {name: available[name].baselines for name in BASELINES} == BASELINES


def test_a_store_written_before_is_whole_and_stays_as_it_is(store: Store) -> None:
    path = Path(store.path) / MANIFEST
    fields = json.loads(path.read_text())
    del fields["labels"], fields["baselines"]
    path.write_text(json.dumps(fields))
    store.create("toy", "?")
    assert json.loads(path.read_text()) == fields
    assert read_manifest(store.uri).labels == read_manifest(store.uri).baselines == {}


@pytest.mark.parametrize("fields", [{"labels": 3}, {"baselines": {"a": "vae"}}, {"baselines": ["vae"]}])
def test_a_manifest_with_other_labels_or_baselines_is_refused(fields: dict[str, object]) -> None:
    text = json.dumps({"schema_version": 1, "study": "a", "hyper_parameters": {}, **fields})
    with pytest.raises(SchemaError, match="but is another"):
        Manifest.from_json(text, "here")


def test_a_label_is_the_manifests_then_the_stored_one_then_the_name() -> None:
    with naming({"mine": "Mine", "vae": "our VAE"}):
        assert [label(name) for name in ("mine", "vae", "alice", "new")] == [
            "Mine",
            "our VAE",
            "ALICE",
            "new",
        ]
    assert [label(name) for name in ("mine", "vae")] == ["mine", "VAE"]
