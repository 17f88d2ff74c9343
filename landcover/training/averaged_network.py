"""A network and the running average of its weights, which is what is scored and exported."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from torch import nn

from landcover.errors import InputError
from landcover.training.ema import ema_decay, update_ema


@MODELS.register_module()
class AveragedNetwork(BaseModel):
    """Trains a segmentor and keeps the exponential moving average of its weights.

    Polyak, Juditsky: Acceleration of Stochastic Approximation by Averaging, SIAM J. Control Optim. 1992, as used by
    Tarvainen, Valpola: Mean Teachers, NeurIPS 2017, https://arxiv.org/abs/1703.01780. Batch-norm statistics are
    averaged too, so the average needs no pass over the data before it predicts.

    Args:
        network: config of the segmentor.
        decay: largest share of the average that a step keeps, in [0, 1); early steps keep less, see `ema_decay`.

    Attributes:
        network: the segmentor in training.
        average: its average, without gradients, in eval mode.
    """

    def __init__(self, network: Mapping[str, Any], decay: float) -> None:
        if not 0.0 <= decay < 1.0:
            raise InputError(f"weight_ema: expected None or a share in [0, 1), found {decay}; correct it")
        segmentor: EncoderDecoder = MODELS.build(network)
        super().__init__(data_preprocessor=segmentor.data_preprocessor)
        self.network = segmentor
        self.average: EncoderDecoder = copy.deepcopy(segmentor).requires_grad_(False).eval()
        self.decay = decay

    def init_weights(self) -> None:
        """Initialises the network; the average starts as its copy."""
        self.network.init_weights()
        self.average.load_state_dict(self.network.state_dict())

    def train(self, mode: bool = True) -> AveragedNetwork:
        """The network trains; the average only predicts."""
        super().train(mode)
        self.average.eval()
        return self

    def forward(self, inputs: Any, data_samples: Any = None, mode: str = "tensor") -> Any:  # mmengine's signature
        """The network's answer in any of mmengine's modes."""
        return self.network(inputs, data_samples, mode=mode)

    def update_average(self, step: int) -> None:
        """Moves the average towards the network after step `step` = 0, 1, ...

        Networks of all processes have equal weights after a step, so have their averages, without communication.
        """
        update_ema(self.average, self.network, ema_decay(step, self.decay))


def averaged(model: nn.Module) -> nn.Module:
    """The average of an `AveragedNetwork`: what is exported and scored."""
    assert isinstance(model, AveragedNetwork)
    return model.average


@HOOKS.register_module()
class AverageHook(Hook):
    """Updates the average after every step."""

    # Before the average is scored (LOW) and saved (VERY_LOW).
    priority = "HIGH"

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: object = None
    ) -> None:
        """One step of the moving average."""
        getattr(runner.model, "module", runner.model).update_average(runner.iter)
