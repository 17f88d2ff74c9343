"""mmengine's visualisation backends, so that files stay here and a training that goes on continues its curves."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import numpy as np
from mmengine import Config
from mmengine.registry import VISBACKENDS
from mmengine.visualization import MLflowVisBackend, TensorboardVisBackend, WandbVisBackend
from numpy.typing import NDArray

PROJECT = "landcover"
"""Experiment of MLflow and project of Weights & Biases, unless MLFLOW_EXPERIMENT_NAME or WANDB_PROJECT says another."""


class Tracker(Protocol):
    """What takes the curves, maps and settings of one training.

    Args:
        save_dir: folder of its files.
        name: of the training, for its users.
        run: what it has called the training before, None for a new one.
    """

    def __init__(self, save_dir: str, name: str, run: str | None) -> None: ...

    @property
    def run(self) -> str | None:
        """What it calls the training; None if it needs no name to continue it."""

    def add_config(self, config: Config) -> None:
        """Takes the settings of the training."""

    def add_image(self, name: str, image: NDArray[np.uint8], step: int) -> None:
        """Takes an RGB picture (H, W, 3)."""

    def add_scalars(self, scalar_dict: Mapping[str, float], step: int) -> None:
        """Takes one value for each of several curves."""

    def flush(self) -> None:
        """Has all that it was given on the disk, or sent."""

    def close(self) -> None:
        """Ends the training."""


@VISBACKENDS.register_module()
class TensorboardTracker(TensorboardVisBackend):
    """Event files; TensorBoard joins all of a folder, so a training that goes on writes one more."""

    run = None

    def __init__(self, save_dir: str, name: str, run: str | None) -> None:
        super().__init__(save_dir)

    def flush(self) -> None:
        """Writes what the writer keeps for two minutes otherwise."""
        self.experiment.flush()


@VISBACKENDS.register_module()
class MlflowTracker(MLflowVisBackend):
    """A run of MLflow: in a database file, or on the server that MLFLOW_TRACKING_URI names.

    mmengine would ask for a folder of files as store, which MLflow refuses from version 3.13 on.
    """

    def __init__(self, save_dir: str, name: str, run: str | None) -> None:
        folder, server = Path(save_dir).absolute(), os.environ.get("MLFLOW_TRACKING_URI")
        super().__init__(
            save_dir,
            exp_name=os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT),
            run_name=name,
            tracking_uri=server or f"sqlite:///{folder / 'mlflow.db'}",
            artifact_location=None if server else (folder / "artifacts").as_uri(),
        )
        self._continued = run

    def _init_env(self) -> None:
        if self._continued is not None:
            os.environ["MLFLOW_RUN_ID"] = self._continued  # the run that is started next is this one
        super()._init_env()

    @property
    def run(self) -> str:
        """Identifier of the run."""
        return str(self.experiment.active_run().info.run_id)

    def add_image(self, name: str, image: NDArray[np.uint8], step: int = 0) -> None:
        """Takes a picture under a name of its own for every step: MLflow would keep the last one."""
        super().add_image(f"{name}_{step:06}.png", image, step)

    def flush(self) -> None:
        """MLflow keeps nothing back."""

    def close(self) -> None:
        """Ends the run; mmengine would look for further files to copy."""
        self.experiment.end_run()


@VISBACKENDS.register_module()
class WandbTracker(WandbVisBackend):
    """A run of Weights & Biases: files for `wandb sync`, or sent where WANDB_MODE is online.

    Curves are drawn over the iteration, which mmengine does not tell.
    """

    def __init__(self, save_dir: str, name: str, run: str | None) -> None:
        self.run = run or uuid4().hex
        super().__init__(
            save_dir,
            init_kwargs={
                "project": os.environ.get("WANDB_PROJECT", PROJECT),
                "name": name,
                "id": self.run,
                "resume": "allow",
                "mode": os.environ.get("WANDB_MODE", "offline"),
            },
            define_metric_cfg=[{"name": "*", "step_metric": "iteration"}],
        )

    def add_config(self, config: Config) -> None:
        """Takes the settings; mmengine would copy every Python file below the working directory too."""
        self.experiment.config.update(config.to_dict(), allow_val_change=True)

    def add_image(self, name: str, image: NDArray[np.uint8], step: int = 0) -> None:
        """Takes a picture."""
        self.experiment.log({name: self.experiment.Image(image), "iteration": step})

    def add_scalars(self, scalar_dict: Mapping[str, float], step: int = 0) -> None:
        """Takes one value for each of several curves."""
        super().add_scalars({**scalar_dict, "iteration": step})

    def flush(self) -> None:
        """Weights & Biases writes in a process of its own."""

    def close(self) -> None:
        """Ends the run."""
        self.experiment.finish()
