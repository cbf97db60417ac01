"""A training in MLflow (extra ``mlflow``)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mt2st.errors import MissingExtraError
from mt2st.integrations.tracker import Tracker, Value


class MlflowLog(Tracker):
    """Writes a training to MLflow: metrics of each evaluation, parameters, and events as tags.

    It writes to the active run: ``with mlflow.start_run(): model.fit(..., callbacks=[MlflowLog()])``. If none is
    active, MLflow begins one, which ends with the process or by ``mlflow.end_run()``. Where runs are kept is MLflow's
    own setting (``mlflow.set_tracking_uri``, ``MLFLOW_TRACKING_URI``).

    Raises:
        MissingExtraError: MLflow is not installed.
    """

    def __init__(self) -> None:
        try:
            import mlflow
        except ModuleNotFoundError as error:
            raise MissingExtraError("a log for MLflow", "mlflow") from error
        self._mlflow = mlflow

    def log_parameters(self, parameters: Mapping[str, Value]) -> None:
        """Write the parameters."""
        self._mlflow.log_params({_key(name): value for name, value in parameters.items()})

    def log_numbers(self, numbers: Mapping[str, float], step: int) -> None:
        """Write the metrics."""
        self._mlflow.log_metrics({_key(name): value for name, value in numbers.items()}, step=step)

    def log_event(self, name: str, text: str, step: int) -> None:
        """Write a tag; of several events of a kind, the last one stays."""
        self._mlflow.set_tag(_key(f"event/{name}"), f"step {step}: {text}")


def _key(name: str) -> str:
    """Return a name with only the characters that MLflow takes."""
    return re.sub(r"[^\w\-. :/]", "_", name)
