"""Command-line arguments of trainings, the same for all."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from landcover.classes.arguments import add_class_arguments
from landcover.errors import InputError
from landcover.training.tracking.trackers import NO_TRACKER, TRACKERS
from landcover.training.training import Training

Model = TypeVar("Model")

ROOT = Path(__file__).parents[2]

CONFIGS = ("configs", "published")
"""Arguments that name configs."""

NOT_OF_ONE_MODEL = ("only", "jobs", "one_of_many", "tracker", "data")
"""Arguments that say which models are trained, and in which way."""


def add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds `add_model_arguments`, `--dfc-root`, classes and pretrained weights."""
    add_model_arguments(parser)
    parser.add_argument("--dfc-root", required=True, type=Path, help="DFC2025 Track 1 folder")
    add_class_arguments(parser)
    parser.add_argument("--pretrained-dir", type=Path, help="folder of pretrained weights; without it, random weights")
    parser.add_argument("--fetch-pretrained", action="store_true", help="fetch weights that are not in that folder")


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds configs, `--only`, `--jobs`, `--run-dir`, `--seed`, `--option`, `--tracker` and `--data`.

    `--one-of-many` is for `landcover.training.train_all`: the command was started by itself, which has told everything
    but what the training tells.
    """
    parser.add_argument("configs", nargs="+", type=Path, help="one config per model; its stem is the model's name")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="train these models only")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time, each in a process of its own")
    parser.add_argument("--one-of-many", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--run-dir", required=True, type=Path, help="folder of the run; receives a folder per model")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--option", action="append", default=[], metavar="KEY=VALUE", help="replaces one config value")
    trackers = ", ".join(TRACKERS)
    parser.add_argument("--tracker", default=NO_TRACKER, help=f"shows the training: {trackers}, or {NO_TRACKER}")
    parser.add_argument("--data", nargs="*", default=[], metavar="NAME", help="data sets, for the cards of the models")


def as_asked(trainings: Sequence[Training], arguments: argparse.Namespace, module: str) -> list[Training]:
    """The trainings, with what the command line says beside their configs: what shows them, and what for their cards.

    Args:
        trainings: of the command.
        arguments: of the command, with those of `add_model_arguments`.
        module: of the command.
    """
    asked = []
    for training in trainings:
        command = training_command(module, training.name, arguments)
        origins = replace(training.origins, data=tuple(arguments.data), command=command)
        asked.append(replace(training, tracker=arguments.tracker, origins=origins))
    return asked


def training_command(module: str, name: str, arguments: argparse.Namespace) -> str:
    """The command that trains one model, as anybody can give it.

    Configs are told from the repository's root, those outside of it by their names; of other paths, which are of one
    machine, the names of their variables are told.

    Args:
        module: of the command.
        name: of the model.
        arguments: of the command.
    """
    words = ["python", "-m", module, *_words("configs", arguments.configs)]
    for key, value in vars(arguments).items():
        if key in ("configs", *NOT_OF_ONE_MODEL) or value is None or value is False or value in ("", []):
            continue
        option = f"--{key.replace('_', '-')}"
        given = _words(key, value)
        words += [word for one in given for word in (option, one)] if key == "option" else [option, *given]
    return shlex.join([*words, "--only", name])


def _words(key: str, value: object) -> list[str]:
    if isinstance(value, list):
        return list(dict.fromkeys(word for one in value for word in _words(key, one)))
    if isinstance(value, Path):
        return [_config(value) if key in CONFIGS else key.upper()]
    return [] if value is True else [str(value)]


def _config(path: Path) -> str:
    whole = path.absolute()
    return whole.relative_to(ROOT).as_posix() if whole.is_relative_to(ROOT) else path.name


def chosen_models(models: Mapping[str, Model], only: list[str], variable: str) -> dict[str, Model]:
    """The models that `--only` names; all if it names none.

    Args:
        models: by name.
        only: names.
        variable: of the profile, which lists the models.

    Raises:
        InputError: there is no such model.
    """
    unknown = [name for name in only if name not in models]
    if unknown:
        raise InputError(f"model {unknown[0]}: expected one of {', '.join(models)}; correct the name, or {variable}")
    return {name: model for name, model in models.items() if not only or name in only}
