"""What a check of a data set found: statistics, warnings and problems, as text and as JSON."""

from __future__ import annotations

from dataclasses import dataclass

from landcover.errors import InputError


@dataclass(frozen=True)
class SarStatistics:
    """SAR values of all tiles, no-data left out.

    Args:
        mean: over all pixels with data.
        std: standard deviation over all pixels with data.
        percentiles: value by percentile, from an even sample of every tile.
        no_data_share: 0..1, share of pixels without data.
    """

    mean: float
    std: float
    percentiles: dict[int, float]
    no_data_share: float


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
        sar: SAR values, None for a data set without SAR or without a single pixel of data.
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
    sar: SarStatistics | None
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
        if self.sar is not None:
            percentiles = (f"{value:.4g} ({percent}%)" for percent, value in self.sar.percentiles.items())
            rows += [
                ("SAR mean, deviation", f"{self.sar.mean:.4g}, {self.sar.std:.4g}"),
                ("SAR percentiles", ", ".join(percentiles)),
                ("SAR no data", f"{self.sar.no_data_share:.2%}"),
            ]
        found = [f"  warning: {line}" for line in self.warnings] + [f"  problem: {line}" for line in self.problems]
        return [self.title, *(f"  {name:<22}{value}" for name, value in rows), *found]

    def to_json(self) -> dict[str, object]:
        """The report as JSON content."""
        sar = None
        if self.sar is not None:
            percentiles = {str(percent): value for percent, value in self.sar.percentiles.items()}
            sar = {**vars(self.sar), "percentiles": percentiles}
        lists = {name: list(getattr(self, name)) for name in ("heights", "widths", "problems", "warnings")}
        return {**vars(self), **lists, "class_shares": dict(self.class_shares), "sar": sar}

    def raise_if_problems(self) -> None:
        """Raises `InputError` with the number of problems and the first; print `lines` before."""
        if self.problems:
            count = f"{len(self.problems)} problem{'s' if len(self.problems) > 1 else ''}"
            more = "; the others are listed above" if len(self.problems) > 1 else ""
            raise InputError(f"{count} in the data ({self.title}): {self.problems[0]}{more}")
