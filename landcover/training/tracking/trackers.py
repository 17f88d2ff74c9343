"""Which trackers there are, and whether their packages are."""

from __future__ import annotations

from pathlib import Path

from landcover.errors import InputError
from landcover.optional_packages import optional_package
from landcover.training.tracking.backends import MlflowTracker, TensorboardTracker, Tracker, WandbTracker

NO_TRACKER = "none"

TRACKERS: dict[str, type[Tracker]] = {
    "tensorboard": TensorboardTracker,
    "mlflow": MlflowTracker,
    "wandb": WandbTracker,
}
"""By the name that a profile gives them, which is that of their package."""

BIG = ("mlflow", "wandb")
"""Packages that bring so many others that they are not among the optional requirements."""


def check_tracker(name: str) -> None:
    """Refuses a tracker that is unknown or whose package is not installed.

    Raises:
        InputError: says what to install.
    """
    if name == NO_TRACKER:
        return
    if name not in TRACKERS:
        raise InputError(f"TRACKER: expected {NO_TRACKER}, {', '.join(TRACKERS)}, found {name}; correct it")
    install = {"install": name} if name in BIG else {}
    optional_package(name, f"TRACKER={name}", **install)


def build_tracker(name: str, folder: Path, run_name: str, run: str | None) -> Tracker:
    """A tracker that writes to `folder`; nothing is written before it is told something.

    Args:
        name: of `TRACKERS`.
        folder: where its files go.
        run_name: what its users call the training.
        run: what the tracker has called the training before; None for a new one.
    """
    return TRACKERS[name](str(folder), run_name, run)
