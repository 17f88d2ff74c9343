"""What a finished training held, given back."""

from __future__ import annotations

import gc

import torch
from mmengine.runner import Runner


def end_loading(runner: Runner) -> None:
    """Ends the loader processes of a Runner, which must not train any more.

    If the collector found them, it might take the queues first through which they are told to end, and wait five
    seconds for each.
    """
    loop = runner.train_loop
    loop.dataloader._iterator = None  # where it keeps processes for the next epoch
    loop.dataloader_iterator = None


def free_training() -> None:
    """Frees the Runner that the last name was dropped for, with its model and its optimizer.

    mmengine's Runner is in circles of references, which only the collector finds, whenever it runs next: the models and
    optimizers of earlier trainings would live beside those of the next one.
    """
    torch.compiler.reset()  # it remembers what it has compiled
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()  # for other shapes, and other processes
