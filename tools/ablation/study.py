"""What a study is: rows, the models they need, and the tiles they are scored on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine import Config

from landcover.prediction.views import Flip
from landcover.training.config import load_config
from tools.ablation.jobs import Job


@dataclass(frozen=True)
class Model:
    """One training, repeated with every seed; rows with equal models share them.

    Args:
        name: name of its folder, unique in the study.
        module: the training command.
        config: the model's config.
        options: replacements of config values, `key=value`.
        arguments: further arguments of the command, such as the data roots.
        kind: folder of the run in which the command writes the model.
        defaults: config of the keys that the command adds to those of `config`, None if it adds none.
    """

    name: str
    module: str
    config: Path
    options: tuple[str, ...]
    arguments: tuple[str, ...]
    kind: str
    defaults: Path | None = None

    def loaded(self) -> Config:
        """The config with its options, as the command reads it.

        Raises:
            InputError: config or options are not valid.
        """
        return load_config(self.config, self.options, defaults=self.defaults)

    def command(self, run_dir: Path, seed: int) -> list[str]:
        """Module and arguments of the training with one seed."""
        options = [word for option in self.options for word in ("--option", option)]
        place = ["--run-dir", str(run_dir), "--seed", str(seed)]
        return [self.module, str(self.config), *self.arguments, *place, *options]

    def folder(self, run_dir: Path) -> Path:
        """Where the command writes the model."""
        return run_dir / self.kind / self.config.stem


@dataclass(frozen=True)
class Views:
    """Test-time views; each scale is combined with each flip."""

    name: str
    scales: tuple[float, ...] = (1.0,)
    flips: tuple[Flip, ...] = ("none",)


@dataclass(frozen=True)
class Part:
    """Models whose mean is scored on some tiles.

    Args:
        models: their probabilities are averaged.
        tiles: names of the tiles.
        seeds: how many seeds of each model are averaged: the row's own and those that follow it, in a circle.
    """

    models: tuple[Model, ...]
    tiles: tuple[str, ...]
    seeds: int = 1


@dataclass(frozen=True)
class Row:
    """One line of the table; the confusion matrices of its parts are added.

    Args:
        name: for the command line.
        title: for the table.
        parts: what is scored.
        views: how the models look at the tiles.
        before: name of the row to which it adds one part; None for the first.
        group: heading under which it stands; rows of one group are compared with its first. All rows have one, or none.
    """

    name: str
    title: str
    parts: tuple[Part, ...]
    views: Views
    before: str | None = None
    group: str = ""

    @property
    def models(self) -> tuple[Model, ...]:
        """Models of all parts."""
        return tuple(dict.fromkeys(model for part in self.parts for model in part.models))


@dataclass(frozen=True)
class Matrix:
    """Rows of a study as a table of two dimensions.

    Args:
        title: heading.
        columns: titles.
        lines: titles.
        names: of the rows of the study, line by line.
    """

    title: str
    columns: tuple[str, ...]
    lines: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Sections:
    """What a study tells beside its rows.

    Args:
        parts: of the document: headings, texts, tables.
        values: the same as JSON values.
    """

    parts: Sequence[str] = ()
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Study:
    """Rows to compare.

    Args:
        name: for the command line, and the folder of its runs.
        title: heading of the document.
        about: what is compared, a paragraph.
        prepare: writes what the trainings read beside the demo scenes.
        rows: see `Row`.
        images: folder of the images that are predicted.
        truth: label file of each tile.
        labels: what `truth` is, in a few words.
        matrix: a second view of some of the rows.
        first_jobs: what must be done before the trainings of the rows, by seeds.
        sections: what is told beside the rows when all is done, by seeds.
    """

    name: str
    title: str
    about: str
    prepare: Callable[[], None]
    rows: tuple[Row, ...]
    images: Path
    truth: Mapping[str, Path]
    labels: str
    matrix: Matrix | None = None
    first_jobs: Callable[[Sequence[int]], list[Job]] = lambda seeds: []
    sections: Callable[[Sequence[int]], Sections] = lambda seeds: Sections()

    def needed(self, rows: Sequence[Row]) -> dict[Model, list[Views]]:
        """Every model of `rows` once, in their order, with the views of the rows that use it."""
        needed: dict[Model, list[Views]] = {}
        for row in rows:
            for model in row.models:
                views = needed.setdefault(model, [])
                if row.views not in views:
                    views.append(row.views)
        return needed
