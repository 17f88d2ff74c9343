"""What tensors take while a program runs."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

from torch import Tensor, UntypedStorage
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

BLOCK = 512
"""Bytes to whose multiple torch's allocator on CUDA rounds what a tensor takes."""


class LiveBytes(TorchDispatchMode):
    """Bytes of all tensors that operations inside of the context read or make, for as long as these live.

    Memory that several tensors share counts once. What an operation takes only while it runs is not seen.

    Attributes:
        now: bytes of the tensors that are alive.
        peak: largest `now` so far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._alive: dict[int, weakref.ref[UntypedStorage]] = {}

    def add(self, tensors: Iterable[Tensor]) -> None:
        """Counts tensors before an operation meets them."""
        for tensor in tensors:
            self._add(tensor.untyped_storage())
        self.peak = max(self.peak, self.now)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # torch's signature
        result = func(*args, **(kwargs or {}))
        self.add(leaf for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, Tensor))
        return result

    def _add(self, storage: UntypedStorage) -> None:
        key, size = id(storage), -(-storage.nbytes() // BLOCK) * BLOCK
        if key in self._alive:
            return

        def forget(_: object) -> None:
            del self._alive[key]
            self.now -= size

        self._alive[key] = weakref.ref(storage, forget)  # the object lives as long as the memory does
        self.now += size
