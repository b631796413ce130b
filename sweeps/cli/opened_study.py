"""A study in Python: what its command line does, and what is stored of it as tables.

from sweeps.cli import open_study
from sweeps.toy_robustness import STUDY

study = open_study(STUDY, results="results")
study.run(preset="smoke", limit=4, seeds=2)
study.rows()
study.report()
"""

from __future__ import annotations

import html
import itertools
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console

import result_digests
from result_files import below, open_directory
from result_manifest import SchemaError, read_manifest
from result_pictures import Pictures, read_pictures
from result_reading import read_curves, read_runs, read_samples
from sweeps.cli.ending import INTERRUPTED
from sweeps.cli.options import Options, of_keywords
from sweeps.cli.reporting import Reporting
from sweeps.cli.study_command import run
from sweeps.console.errors import check_uri, one_line
from sweeps.execution.cluster import ClusterError
from sweeps.store import lease
from sweeps.store.lease import Fenced
from sweeps.store.store import Store
from sweeps.study import Study
from sweeps.study.variants import placed
from trainables.datasets.files import root
from trainables.recognition.features_file import FEATURES

if TYPE_CHECKING:
    import pandas as pd

    from trainables.saved_models import TrainedModel

PLACE = ("results", "data", "search")
"""Options that say which folder a study has: of the study that is opened, and the same in all that is asked of it."""

HEIGHT = 720
"""Pixels of a report in a notebook."""


class StudyError(RuntimeError):
    """A study was not done to its end; what is stored is whole, and the same call goes on from there."""


def open_study(study: Study, **options: Any) -> OpenedStudy:
    """The study in a folder, to run it and to read what is stored of it. Nothing is written.

    Args:
        study: the declaration.
        options: of its command line, by their names, for every run of it: `results`, `data` and `search` say which folder it is, others
            are such as `address`, `tracking_uri` and `py_modules`.

    Raises:
        ValueError: there is no such option, or a value is none of it.
    """
    return OpenedStudy(study, options)


class OpenedStudy:
    """A study in a folder.

    Attributes:
        study: the declaration.
        name: the study's, and its data's and search's where these are others.
        uri: its directory or URI.
    """

    def __init__(self, study: Study, options: dict[str, Any]) -> None:
        self.study, self._options = study, options
        known = self._with({})
        check_uri("results", known.results)
        self.name = placed(study, known.data, known.search).name
        self.uri = below(known.results, self.name)

    def __repr__(self) -> str:
        return f"<study {self.name} in {one_line(self.uri)}>"

    def run(self, **options: Any) -> None:
        """Train what is declared and not stored, mirror it and report it, as the command line does; prints what that prints.

        Args:
            options: of the command line, by their names; `set` is a mapping, hyper-parameter -> levels.

        Raises:
            ValueError, SchemaError, ClusterError: bad input, or somebody else works on the study; nothing was written.
            StudyError: runs are not finished, or the report is not whole; the lines that were printed say why.
            OSError: the storage does not work.
            KeyboardInterrupt: Ctrl-C. Runs that are finished are stored, and the same call goes on from there.
        """
        for name in PLACE:
            if name in options:
                raise ValueError(
                    f"{name} must be given to open_study, whose folder it decides, got it for run: {options[name]!r}"
                )
        try:
            code = run(self.study, self._with(options), Console(soft_wrap=True, highlight=False))
        except (ValueError, SchemaError, ClusterError, Fenced) as error:
            if (line := one_line(str(error))) == str(error):
                raise
            raise type(error)(line) from None
        except KeyboardInterrupt:
            code = INTERRUPTED
            lease.release_all(Store(self.uri).path)
        if code == INTERRUPTED:
            raise KeyboardInterrupt("finished runs are stored; the same call continues")
        if code:
            raise StudyError(
                f"every run of {self.study.name} must end and its report be whole, but the lines above say what did not; "
                "remove the cause, and the same call continues"
            )

    @overload
    def rows(self) -> pd.DataFrame: ...
    @overload
    def rows(self, form: Literal["pandas"]) -> pd.DataFrame: ...
    @overload
    def rows(self, form: Literal["arrow"]) -> pa.Table: ...
    def rows(self, form: str = "pandas") -> Any:
        """One row per run, of every budget and sampler: a pandas DataFrame, or with 'arrow' a pyarrow Table.

        Raises:
            SchemaError: nothing is stored yet, or a file is damaged.
        """
        return _as(form, read_runs(self._stored()))

    @overload
    def curves(self) -> pd.DataFrame: ...
    @overload
    def curves(self, form: Literal["pandas"]) -> pd.DataFrame: ...
    @overload
    def curves(self, form: Literal["arrow"]) -> pa.Table: ...
    def curves(self, form: str = "pandas") -> Any:
        """Metrics and losses along training, one row per (run key, iteration); else as `rows`."""
        return _as(form, read_curves(self._stored()))

    def samples(self, run_key: str) -> npt.NDArray[np.float32]:
        """Points that a run generates: [n, *shape of a point].

        Raises:
            ValueError: no points are stored of such a run; one that diverged has none.
        """
        table = read_samples(self._stored())
        points = table.filter(pc.equal(table["run_key"], run_key))["points"]
        if not len(points):
            raise ValueError(
                f"a run of which points are stored must be one of the column run_key of rows(), got {run_key!r}; "
                "one that diverged has none, and of large images there are pictures() alone"
            )
        return np.asarray(points[0].values, np.float32).reshape(-1, *read_manifest(self.uri).shape)

    def pictures(self, run_key: str) -> Pictures:
        """Pictures of a run of image data: kind -> uint8 array. Its `samples` are [n, *shape of a point], its `reconstructions`
        [pairs, 2, *shape], a test point before what becomes of it, and its `interpolations` [lines, steps, *shape].

        Raises:
            ValueError: no pictures are stored of such a run; one that diverged has none.
        """
        found = read_pictures(self._stored(), [run_key])
        if run_key not in found:
            raise ValueError(
                f"a run of which pictures are stored must be one of the column run_key of rows(), got {run_key!r}; "
                "one that diverged has none, nor has one of data that are no images"
            )
        return found[run_key]

    def model(self, run_key: str, device: str = "cpu") -> TrainedModel:
        """The trained model of a run: `encoder`, `decoder` and `critic` as `nn.Module`s, and `sample`, `encode` and `reconstruct`.

        It is read where the study kept it (`keep="best"` or `"all"`), and else trained again, which is said.

        Args:
            run_key: of a run that did not diverge.
            device: to train on again.

        Raises:
            ValueError: there is no such run, it has no model, or what it was trained on is not here any more.

        Warns:
            UserWarning: it was trained again and is not equal to its row to the bit, such as on another kind of processor.
        """
        from sweeps.cli.models_of_runs import model_of  # torch

        options = self._with({})
        with root.using(options.data_dir), FEATURES.using(options.features):
            return model_of(self._stored(), run_key, device)

    def report(self, iterations: int | None = None) -> BuiltReport:
        """The report of the rows that are stored, made unless it is there; the last value of a notebook's cell shows it.

        Args:
            iterations: the budget to report; None for the report that is there, else of the budget with most rows.

        Raises:
            SchemaError: nothing is stored yet, or a file is damaged.
            StudyError: it is not whole.
        """
        rows = read_runs(self._stored())
        budgets, samplers = (rows[name].unique().to_pylist() for name in ("budget", "sampler"))
        made = itertools.product([iterations] if iterations else [None, *budgets], [None, *samplers])
        if not any(result_digests.report_is_current(self.uri, *of) for of in made):
            made_now = Reporting(Store(self.uri), iterations, None).finish()
            if not made_now.whole:
                raise StudyError(one_line(made_now.error or made_now.failures[0]))
        return BuiltReport(below(self.uri, "report/report.html"))

    def _stored(self) -> str:
        """Its directory. Raises SchemaError where it is not this study's, or there is none yet."""
        if not Store(self.uri).check(self.name, self._with({}).precision):
            raise SchemaError(
                f"{self.uri} must hold rows of {self.name}, but there are none yet; call run() first"
            )
        return self.uri

    def _with(self, options: dict[str, Any]) -> Options:
        return of_keywords(self.study, {**self._options, **options})


class BuiltReport:
    """A report that is written: its path as text, and in a notebook the page itself.

    Args:
        path: path or URI of the page.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def __str__(self) -> str:
        return self.path

    def __fspath__(self) -> str:
        return self.path

    def __repr__(self) -> str:
        return self.path

    def _repr_html_(self) -> str:
        folder, _, name = self.path.rpartition("/")
        filesystem, path = open_directory(folder)
        with filesystem.open_input_stream(f"{path}/{name}") as stream:
            page = stream.read().decode()
        return f'<iframe srcdoc="{html.escape(page)}" width="100%" height="{HEIGHT}"></iframe>'


def _as(form: str, table: pa.Table) -> Any:
    if form not in ("pandas", "arrow"):
        raise ValueError(f"a table must be 'pandas' or 'arrow', got {form!r}")
    return table if form == "arrow" else table.to_pandas()
