"""The ways to find offsets that the study of registration compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from landcover.networks.model_file import MODEL_NAME

CONFIG = Path(__file__).parents[2] / "configs" / "registration" / "s2m2_demo.py"

LABELLED_ALONE = "train_dataloader.dataset.unlabelled_per_labelled=0"


@dataclass(frozen=True)
class Method:
    """A way to find offsets.

    Args:
        name: of its folder; that of the registered matcher if it is not trained.
        title: for the tables.
        labelled: share of the pairs whose offset a trained one may look at; None for a matcher without weights.
        options: of its training.
    """

    name: str
    title: str
    labelled: str | None = None
    options: tuple[str, ...] = ()

    def place(self, folder: Path, seed: int) -> Path:
        """Its folder in the study's, with one seed; the same for all if it is not trained."""
        return folder / "matchers" / self.name / (str(seed) if self.labelled else "untrained")

    def seeds(self, of_study: Sequence[int]) -> Sequence[int]:
        """Those with which it differs: all of a study's, or the first alone if it is not trained."""
        return of_study if self.labelled else of_study[:1]

    def matcher(self, folder: Path, seed: int) -> str:
        """What REGISTER names it."""
        place = self.place(folder, seed)
        return str(place / "matchers" / CONFIG.stem / MODEL_NAME) if self.labelled else self.name


METHODS = (
    Method("phase", "phase correlation"),
    Method("descriptor", "orientation descriptor"),
    Method("supervised_sixteenth", "S2M2-SAR, 1/16 labelled, supervised", "1/16", (LABELLED_ALONE,)),
    Method("semi_sixteenth", "S2M2-SAR, 1/16 labelled, semi-supervised", "1/16"),
    Method("supervised_all", "S2M2-SAR, all labelled", "1"),
)
