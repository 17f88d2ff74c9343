"""Trainings that start from a trained model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import MODELS
from torch import nn

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


def _networks(model: nn.Module) -> Sequence[nn.Module]:
    """The network that trains, and its average if it has one."""
    return (model.network, model.average) if isinstance(model, AveragedNetwork) else (model,)


class StartHook(Hook):
    """Loads a model file before the first step; a training that goes on from a checkpoint has its weights already.

    Args:
        path: of the file.
        networks: gives those that start from it, of the module in training.
    """

    priority = "VERY_HIGH"

    def __init__(self, path: Path, networks: Callable[[nn.Module], Sequence[nn.Module]] = _networks) -> None:
        self.path, self.networks = path, networks

    def before_train(self, runner: Runner) -> None:
        """Loads into every network that starts from the file."""
        if runner.iter:
            return
        model = getattr(runner.model, "module", runner.model)
        for network in self.networks(model):
            load_starting_weights(network, self.path)
