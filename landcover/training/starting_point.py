"""Trainings that start from a trained model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import MODELS

from landcover.networks.starting_weights import first_that_fits, load_starting_weights
from landcover.training.averaged_network import AveragedNetwork
from landcover.training.config import building


def starting_point(
    name: str, network: Mapping[str, Any], model_files: Sequence[Path], must_fit: bool = False
) -> Path | None:
    """The first model file from which this network can start, see `load_starting_weights`; None if there is none.

    Args:
        name: of the model that is to be trained.
        network: its config.
        model_files: in the order in which they are tried.
        must_fit: whether there is one file, which is refused if it does not fit.

    Raises:
        InputError: a file is none of a model, or is refused, or the config does not build.
    """
    if not model_files:
        return None
    with building(name):
        built = MODELS.build(network)
    if must_fit:
        load_starting_weights(built, model_files[0])
        return model_files[0]
    return first_that_fits(built, model_files)


class StartHook(Hook):
    """Loads a model file before the first step; a training that goes on from a checkpoint has its weights already."""

    priority = "VERY_HIGH"

    def __init__(self, path: Path) -> None:
        self.path = path

    def before_train(self, runner: Runner) -> None:
        """Loads into the network, and into its average if it has one."""
        if runner.iter:
            return
        model = getattr(runner.model, "module", runner.model)
        for network in (model.network, model.average) if isinstance(model, AveragedNetwork) else (model,):
            load_starting_weights(network, self.path)
