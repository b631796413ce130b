"""Parts of a manifest for display: colours, and hyper-parameters in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from result_colours import OTHERS, STORED, colours
from result_manifest import MANIFEST, Manifest, read_manifest
from sweeps.store.store import Store
from sweeps.study import Float, Int, When
from sweeps.study.shown import colours_of, levels_of
from sweeps.study.space import words
from trainables import datasets, networks, objectives, optimisers
from trainables.configurations import Loop
from trainables.parameters import declared, own


def test_algorithms_have_the_colour_that_they_declare_and_others_the_least_used() -> None:
    assert colours(["x", "alice", "y"]) == {"x": OTHERS[0], "alice": STORED["alice"], "y": OTHERS[1]}
    assert colours(["x", "y"], {"y": OTHERS[0]}) == {"x": OTHERS[1], "y": OTHERS[0]}
    many = colours(f"system {n}" for n in range(2 * len(OTHERS)))
    assert list(many.values()) == [*OTHERS, *OTHERS]


def test_stored_studies_have_the_colours_that_classes_declare_now() -> None:
    declared = {name: one.colour for name, one in objectives.available().items() if one.colour}
    assert declared == STORED


def test_a_study_keeps_its_colours_when_algorithms_are_added() -> None:
    first = colours_of([objectives.find(name) for name in ("gan", "alice")], {})
    assert first == {"alice": STORED["alice"], "gan": OTHERS[0]}
    more = colours_of([objectives.find(name) for name in ("wgan", "alice")], first)
    assert more.items() >= first.items()
    wider = colours_of([objectives.find(name) for name in ("aavae:temperature=3", "aavae", "svae")], first)
    assert wider.items() > first.items()
    assert len(set(wider.values())) == 5  # a variant is another algorithm


def test_the_manifest_carries_colours_descriptions_and_levels(tmp_path: Path) -> None:
    store, space = Store(str(tmp_path / "s")), {"width": (64, 128), "temperature": (1.0, 3.0)}
    store.create("s", "?", algorithms=["aavae", "alice"], space=space)
    manifest = read_manifest(store.uri)
    assert manifest.colours == {"alice": STORED["alice"], "aavae": OTHERS[0]}
    assert manifest.descriptions["width"] == "units per hidden layer, of every network"
    assert manifest.descriptions["temperature"] == "T of the weights D = σ(−f / T)"
    assert manifest.levels == {"width": ("64", "128"), "temperature": ("1", "3")}
    store.create("s", "?", algorithms=["gan"], space={"width": (256,)})
    again = read_manifest(store.uri)
    assert again.colours.items() > manifest.colours.items()
    assert again.levels["width"] == ("64", "128", "256")
    assert again.descriptions == manifest.descriptions


def test_a_study_from_before_manifests_had_colours_goes_without(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "s"))
    store.create("s", "?")
    path = Path(store.path) / MANIFEST
    before = replace(read_manifest(store.uri), colours={}, descriptions={}, levels={})
    path.write_text(before.to_json())
    store.create("s", "?", algorithms=["gan", "alice"], space={"width": (64,)})
    assert read_manifest(store.uri).colours == {}
    assert read_manifest(store.uri).levels == {"width": ("64",)}
    assert Manifest.from_json(before.to_json(), "here") == before


@pytest.mark.parametrize(
    ("dimension", "expected"),
    [
        ((1, 2.0, "relu"), ("1", "2", "relu")),
        (Float(1e-5, 1e-2, log=True), ("1e-05 to 0.01, log-uniform",)),
        (Int(32, 128, step=32), ("32 to 128 in steps of 32",)),
        (When("network", ("mlp", "dcgan"), (1, 2), 3), ("1, 2 where network is mlp or dcgan, else 3",)),
    ],
)
def test_a_dimension_in_words(dimension: object, expected: tuple[str, ...]) -> None:
    assert words(dimension) == expected


def test_levels_are_those_that_were_ever_declared() -> None:
    assert levels_of({"a": (2, 3)}, {"a": ("1", "2"), "b": ("x",)}) == {"a": ("1", "2", "3"), "b": ("x",)}


def test_every_hyper_parameter_of_the_project_says_what_it_is() -> None:
    found = [
        *networks.available().values(),
        *optimisers.available().values(),
        *objectives.available().values(),
    ]
    parts = {Loop, *map(type, [*found, *datasets.available().values()])}
    silent = {
        f"{parameter.owner}.{name}"
        for part in parts
        for name, parameter in declared(part).items()
        if not parameter.description
    }
    assert silent == set()


def test_a_description_is_read_from_the_attributes_of_the_docstring() -> None:
    class Part:
        """A part.

        Attributes:
            first, second: of both, which goes on
                in a second line: here.
            third: alone.

        Source: nobody's; fourth: no attribute.
        """

        first: float = own(1.0, above=0.0)
        second: float = own(1.0, above=0.0)
        third: float = own(1.0, above=0.0)
        fourth: float = own(1.0, above=0.0)

    found = {name: parameter.description for name, parameter in declared(Part).items()}
    both = "of both, which goes on in a second line: here"
    assert found == {"first": both, "second": both, "third": "alone", "fourth": ""}
