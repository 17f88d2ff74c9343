"""Progress of long loops: a bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")

PLAIN_LINE_SECONDS = 15.0


class Progress:
    """Counts steps of a loop towards `total` and shows label, count, elapsed time, time left and a note.

    Args:
        label: what is being done, in a few words.
        total: number of steps.
        start: steps that an earlier run has done.
        quiet: show nothing (for ranks other than the first).
    """

    def __init__(self, label: str, total: int, start: int = 0, quiet: bool = False) -> None:
        self._label, self._total, self._done, self._quiet = label, total, start, quiet
        self._start, self._began = start, time.monotonic()
        self._shown = self._began
        terminal = sys.stderr.isatty() and not quiet
        self._bar = tqdm(desc=label, total=total, initial=start, dynamic_ncols=True) if terminal else None
        if self._bar is None and not quiet and total > start:
            print(f"{label}: {start}/{total}", file=sys.stderr, flush=True)

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Counts `steps` more; `note` is shown behind the count."""
        self._done += steps
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(steps)
        elif not self._quiet:
            now = time.monotonic()
            if now - self._shown >= PLAIN_LINE_SECONDS or self._done == self._total:
                self._shown = now
                self._print(now - self._began, note)

    def reach(self, done: int) -> None:
        """Counts up to `done` steps, those of an earlier run among them."""
        if done > self._done:
            self.advance(done - self._done)

    def close(self) -> None:
        """Ends the bar."""
        if self._bar is not None:
            self._bar.close()

    def _print(self, elapsed: float, note: str) -> None:
        left = elapsed / max(self._done - self._start, 1) * (self._total - self._done)
        text = f"{self._label}: {self._done}/{self._total}, {elapsed:.0f} s, {left:.0f} s left"
        print(f"{text}{', ' + note if note else ''}", file=sys.stderr, flush=True)


def track(items: Iterable[Item], label: str, total: int, start: int = 0, quiet: bool = False) -> Iterator[Item]:
    """Yields every item and shows `Progress` (its arguments)."""
    progress = Progress(label, total, start, quiet)
    try:
        for item in items:
            yield item
            progress.advance()
    finally:
        progress.close()
