"""The training part of a decode head without the accuracy that mmseg logs."""

from __future__ import annotations

from typing import Any

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from landcover.networks.plane_resize import resize_planes


class LossesOnly(BaseDecodeHead):
    """Mixin before a head of mmseg: its losses without its `acc_seg`, in less time.

    The best class of every pixel, for the log alone, takes a fifth of the time of the losses on a CPU. Logits are
    resized in float32 and one plane per class, as the losses read them: each would convert and copy the large ones.
    """

    def loss_by_feat(self, seg_logits: Tensor, batch_data_samples: list[SegDataSample]) -> dict[str, Tensor]:
        """Losses by name, those of one name added.

        Args:
            seg_logits: output of the head (B, C, h, w), any float type; float64 stays float64.
            batch_data_samples: of each image, with labels (1, H, W) in `gt_sem_seg`.
        """
        labels = self._stack_batch_gt(batch_data_samples)
        logits = seg_logits if seg_logits.dtype == torch.float64 else seg_logits.float()
        logits = resize_planes(logits, labels.shape[2:], align_corners=self.align_corners)
        weight = None if self.sampler is None else self.sampler.sample(logits, labels)
        parts: list[Any] = [*self.loss_decode] if isinstance(self.loss_decode, nn.ModuleList) else [self.loss_decode]
        losses: dict[str, Tensor] = {}
        for part in parts:
            value = part(logits, labels.squeeze(1), weight=weight, ignore_index=self.ignore_index)
            losses[part.loss_name] = losses[part.loss_name] + value if part.loss_name in losses else value
        return losses
