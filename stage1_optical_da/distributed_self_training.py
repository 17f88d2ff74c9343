"""Self-training on several processes."""

from __future__ import annotations

from typing import Any

from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.registry import MODEL_WRAPPERS
from torch import Tensor


@MODEL_WRAPPERS.register_module()
class DistributedSelfTraining(MMDistributedDataParallel):
    """`SelfTraining` on several processes: gradients are averaged once per step, during the second backward pass."""

    def train_step(self, data: Any, optim_wrapper: OptimWrapper) -> dict[str, Tensor]:  # mmengine's signature
        """One step of the optimizer; returns this process's values to log."""
        return self.module.step(self, self.no_sync(), data, optim_wrapper)
