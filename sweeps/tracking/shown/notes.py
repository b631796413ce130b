"""Note of a study's experiment, above its runs: the question, what of its runs is there, the views, and the hyper-parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from result_manifest import Manifest


class Answer(Protocol):
    """A view: its name, and what it answers."""

    @property
    def name(self) -> str: ...
    @property
    def says(self) -> str: ...


def note(manifest: Manifest, views: Iterable[Answer], mirrored: str = "") -> str:
    """The note in Markdown.

    mirrored: what of the study's runs is in MLflow, in words; '' for all of them.
    """
    question = [manifest.question] if manifest.question else []
    part = (
        [f"Of this study's runs MLflow has: {mirrored}. The stored rows are all of them."] if mirrored else []
    )
    listed = "\n".join(f"* **{view.name}**: {view.says}" for view in views)
    table = "\n".join(_hyper_parameters(manifest))
    return "\n\n".join(filter(None, [*question, *part, f"Under *Views*:\n\n{listed}", table]))


def _hyper_parameters(manifest: Manifest) -> Iterator[str]:
    """Lines of a table of the hyper-parameters that the manifest describes; none where it describes none."""
    named = {*manifest.descriptions, *manifest.levels}
    order = dict.fromkeys((*manifest.hyper_parameters, *sorted(named)))
    for number, name in enumerate(name for name in order if name in named):
        if not number:
            yield from ("| hyper-parameter | is | levels or range |", "|---|---|---|")
        words = (manifest.descriptions.get(name, ""), ", ".join(manifest.levels.get(name, ())))
        yield f"| `{name}` | {' | '.join(text.replace('|', chr(92) + '|') for text in words)} |"
