"""The teacher follows the student while that trains."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner


@HOOKS.register_module()
class TeacherHook(Hook):
    """Updates the teacher of a `SelfTraining` after every optimizer step."""

    priority = "HIGH"

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: object = None
    ) -> None:
        """One EMA step."""
        getattr(runner.model, "module", runner.model).update_teacher(runner.iter)
