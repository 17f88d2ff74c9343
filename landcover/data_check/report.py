"""What a check of a data set found: statistics, warnings and problems, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from landcover.errors import InputError


@dataclass(frozen=True)
class SarStatistics:
    """SAR values of one band of all tiles, no-data left out.

    Args:
        mean: over all pixels with data.
        std: standard deviation over all pixels with data.
        percentiles: value by percentile, from an even sample of every tile.
        no_data_share: 0..1, share of pixels without data.
        band: description or number, empty for files of one band.
        dtype: type of the values as read.
    """

    mean: float
    std: float
    percentiles: dict[int, float]
    no_data_share: float
    band: str = ""
    dtype: str = ""


@dataclass(frozen=True)
class DataReport:
    """What was found in a data set; sizes and shares cover the files that could be read.

    Args:
        title: name of the data set.
        tiles: number of tiles.
        heights: smallest and largest height in pixels.
        widths: smallest and largest width in pixels.
        without_georeference: number of tiles whose image carries no georeferencing.
        label_files: number of label files.
        class_shares: share 0..1 of all labelled and unlabelled pixels by class name, `unknown` first.
        sar: SAR values of every band, empty for a data set without SAR or without a single pixel of data.
        problems: one line per file that can not be used.
        warnings: one line per file that is unusual but usable.
    """

    title: str
    tiles: int
    heights: tuple[int, int]
    widths: tuple[int, int]
    without_georeference: int
    label_files: int
    class_shares: dict[str, float]
    sar: tuple[SarStatistics, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]

    def lines(self) -> list[str]:
        """The report as lines of text: statistics, then every warning, then every problem."""
        rows = [
            ("tiles", f"{self.tiles}"),
            ("height", f"{self.heights[0]}..{self.heights[1]} pixels"),
            ("width", f"{self.widths[0]}..{self.widths[1]} pixels"),
            ("without georeference", f"{self.without_georeference}"),
            ("label files", f"{self.label_files}"),
            *((f"  {name}", f"{share:.2%}") for name, share in self.class_shares.items()),
        ]
        for band in self.sar:
            percentiles = (f"{value:.4g} ({percent}%)" for percent, value in band.percentiles.items())
            name = f"SAR {band.band}".strip()
            rows += [
                (f"{name} mean, deviation", f"{band.mean:.4g}, {band.std:.4g}"),
                (f"{name} percentiles", ", ".join(percentiles)),
            ]
        if self.sar:
            rows.append(("SAR no data", f"{self.sar[0].no_data_share:.2%}"))
        found = [f"  warning: {line}" for line in self.warnings] + [f"  problem: {line}" for line in self.problems]
        return [self.title, *(f"  {name:<21} {value}" for name, value in rows), *found]

    def to_json(self) -> dict[str, object]:
        """The report as JSON content; `sar` is a list where there are several bands."""
        bands = [
            {**vars(band), "percentiles": {str(percent): value for percent, value in band.percentiles.items()}}
            for band in self.sar
        ]
        sar = bands if len(bands) > 1 else next(iter(bands), None)
        lists = {name: list(getattr(self, name)) for name in ("heights", "widths", "problems", "warnings")}
        return {**vars(self), **lists, "class_shares": dict(self.class_shares), "sar": sar}

    @property
    def sar_kind(self) -> str:
        """Type and bands of its SAR images in a few words, empty if there are none."""
        names = ", ".join(band.band for band in self.sar if band.band)
        return f"{self.sar[0].dtype}{f' of {names}' if names else ''}" if self.sar else ""

    def raise_if_problems(self) -> None:
        """Raises `InputError` with the number of problems and the first; print `lines` before."""
        if self.problems:
            count = f"{len(self.problems)} problem{'s' if len(self.problems) > 1 else ''}"
            more = "; the others are listed above" if len(self.problems) > 1 else ""
            raise InputError(f"{count} in the data ({self.title}): {self.problems[0]}{more}")


def different_sar(reports: Sequence[DataReport]) -> list[str]:
    """A warning if SAR images differ in type or bands between data sets: a model of one reads the other badly."""
    titles: dict[str, list[str]] = {}
    for report in reports:
        if report.sar_kind:
            titles.setdefault(report.sar_kind, []).append(report.title)
    if len(titles) < 2:
        return []
    found = " but ".join(f"{kind} in {' and '.join(names)}" for kind, names in titles.items())
    return [f"SAR images differ: {found}; a model reads those of its training, convert them to one kind"]
