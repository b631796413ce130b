"""Records trials that end without a result, and the reasons."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from ray import tune
from ray.exceptions import RayTaskError

REASON_LENGTH = 500
"""Characters of a reason: Ray's messages begin with it and continue with advice on its setup."""


class Lost(tune.Callback):
    """Tune callback that records the cohorts that are lost for good.

    Attributes:
        reasons: cohort key -> reason.
        running: keys of the cohorts whose trials have begun and not ended.
    """

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}
        self.running: set[str] = set()

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune pickles its callbacks for a restore; studies continue from the rows instead

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self.running.add(trial.config["cohort"])

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self.running.discard(trial.config["cohort"])

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        # Tune's results do not serve: a trial that died before its first report has none.
        self.running.discard(trial.config["cohort"])
        self.reasons[trial.config["cohort"]] = _error_of(trial)

    def end(self, error: BaseException) -> bool:
        """Records all running cohorts as lost with Ray or Tune itself; returns whether any ran."""
        ran = bool(self.running)
        self.reasons |= dict.fromkeys(self.running, reason(error))
        self.running.clear()
        return ran


def reason(error: BaseException | str | None) -> str:
    """Error in one line: a trial's own exception, or the beginning of Ray's message."""
    text = str(error or "").strip()
    if isinstance(error, RayTaskError):
        text = text.splitlines()[-1]  # of the traceback
    name = "" if isinstance(error, str) or error is None else f"{type(error).__name__}: "
    return f"{name}{' '.join(text.split())}"[:REASON_LENGTH] or "Ray does not say why"


def _error_of(trial: Any) -> str:
    """Reason of a trial's last failure, from Tune's local files; Tune copies them to the results only at the end."""
    try:
        text = Path(trial.error_file).read_text(errors="replace").rpartition("Failure # ")[2]
        said = text.partition("\n")[2].strip()
        if trial.pickled_error_file and Path(trial.pickled_error_file).exists():
            error = pickle.loads(Path(trial.pickled_error_file).read_bytes())
            if str(error).strip() == said:  # else it belongs to an earlier failure
                return reason(error)
        return reason(said)
    except Exception as unreadable:  # an exception may raise when it is unpickled
        return f"its error cannot be read: {reason(unreadable)}"
