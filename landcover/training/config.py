"""Training configs: mmengine files with a fixed set of top-level keys, checked before anything runs."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from types import NoneType
from typing import Any, Literal

from mmengine import Config, ConfigDict

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.errors import InputError
from landcover.networks.pretrained import find_weights
from landcover.run_files.manifest import digest

KEYS = {
    "model": "segmentor, mmseg MODELS registry",
    "pretrained": "name of the backbone's pretrained weights, see landcover/networks/pretrained.py; None for none",
    "self_training": "stage 1 only: what surrounds the student",
    "modality": "stage 2 only: what the network reads, 'sar' or 'optical+sar'",
    "sar": "stage 2 only: unit, band or bands, stretch and speckle filter of the images",
    "losses": "stage 2 only: losses of the decode head, and scaled of the auxiliary head",
    "class_balance": "stage 2 only: beta of class-balanced weights in the losses, or None",
    "multimodal": "stage 2 with SAR_TRAINING=multimodal only: how an optical branch trains beside the SAR model",
    "weight_ema": "stage 2 only: share of the averaged weights that a step keeps, or None",
    "matching": "matchers only: temperatures and weights of the losses",
    "crop_size": "side of training crops and prediction windows, pixels",
    "iterations": "length of the training",
    "checkpoint_interval": "iterations between checkpoints",
    "validation_interval": "iterations between scores on the validation tiles",
    "choose": "iteration whose model is exported: 'last', or the logged value that is largest there",
    "compile": "whether torch.compile translates the networks in training",
    "train_dataloader": "batch size, workers and data set",
    "optim_wrapper": "optimizer, mmengine OPTIM_WRAPPERS registry",
    "param_scheduler": "learning-rate schedule; the end of the last part is filled in",
}

BARE_LIST = re.compile(r"\[[\w\s.+'\"-]+(,[\w\s.+'\"-]+)*\]")
"""A list with words without quotes: `sar.bands=[VV,VH]`."""

WHOLE_NUMBERS = ("iterations", "checkpoint_interval", "validation_interval", "crop_size")

Stage = Literal[1, 2, "registration"]

OPTIONAL = ("multimodal",)
"""Keys that a config of the stage may lack."""

STAGE_KEYS: dict[Stage, tuple[str, ...]] = {
    1: ("self_training",),
    2: ("modality", "sar", "losses", "class_balance", "weight_ema"),
    "registration": ("matching",),
}


def load_config(
    path: Path,
    options: Sequence[str] = (),
    stage: Stage | None = None,
    scheme: ClassScheme = OPEN_EARTH_MAP,
    defaults: Path | None = None,
) -> Config:
    """Config of `path` with `options` (texts `key.key=value`) on top.

    Args:
        path: an mmengine config.
        options: replacements of existing values.
        stage: what trains it, whose keys it must have too.
        scheme: its classes become the outputs of the heads.
        defaults: a config whose keys, and no others below them, `path` may have values of its own for.

    Raises:
        InputError: missing file, broken config, unknown key, a config of the other stage, heads of other classes.
    """
    config = _read(path)
    for key, value in ({} if defaults is None else _read(defaults)).items():
        config[key] = _completed(value, config.get(key), f"{path}: {key}")
    for key in config:
        if key not in KEYS:
            raise InputError(f"{path}: unknown key {key!r}{_hint(key, KEYS)}; known keys are {', '.join(sorted(KEYS))}")
    of_one_stage = {key for keys in (*STAGE_KEYS.values(), OPTIONAL) for key in keys}
    needed = (KEYS.keys() - of_one_stage).union(STAGE_KEYS[stage] if stage else ())
    missing = sorted(needed - set(config))
    if missing:
        raise InputError(f"{path}: missing key {missing[0]!r} ({KEYS[missing[0]]}); add it or its base file to _base_")
    for option in options:
        _set(config, option)
    _set_outputs(config, scheme, path)
    return config


def network_to_train(config: Config, weights: Path | None, fetch: bool = False) -> ConfigDict:
    """Config of the network, with the file of pretrained weights that `config.pretrained` names filled in.

    Args:
        config: changed: `pretrained` becomes None if no weights are used.
        weights: folder of pretrained weights; None trains from random weights.
        fetch: whether weights that are not there are fetched from where they are published.

    Raises:
        InputError: the file is not in the folder; says where to get it.
    """
    network = copy.deepcopy(config.model)
    if weights is None or config.pretrained is None:
        config.pretrained = None
    else:
        network.backbone.checkpoint = str(find_weights(config.pretrained, weights, fetch))
    return network


def pretrained_input(network: ConfigDict) -> dict[str, str]:
    """Digest of the pretrained weights that `network_to_train` has filled in, as an input of the training; or none."""
    checkpoint = network.backbone.get("checkpoint")
    return {} if checkpoint is None else {"pretrained": digest(Path(checkpoint))}


@contextmanager
def building(model: str) -> Iterator[None]:
    """Tells in one line what in the config of a model does not build."""
    try:
        yield
    except (KeyError, TypeError) as error:
        raise InputError(f"model {model}: the config does not build ({error}); correct it") from error


def _read(path: Path) -> Config:
    if not path.is_file():
        raise InputError(
            f"{path}: expected a training config, found none; they are under configs/stage1, stage2 and registration"
        )
    try:
        return Config.fromfile(str(path))
    except Exception as error:  # the file is a program: anything can go wrong in it
        raise InputError(f"{path}: not a usable config ({type(error).__name__}: {error}); correct it") from error


def _completed(defaults: Any, own: Any, name: str) -> Any:  # any nodes of config trees
    """`defaults` with the values that `own`, if it is there, has for keys of theirs."""
    if not isinstance(defaults, dict) or not isinstance(own, dict):
        return defaults if own is None else own
    for key in own:
        if key not in defaults:
            raise InputError(f"{name}: unknown key {key!r}{_hint(key, list(defaults))}; correct it")
    return ConfigDict({key: _completed(value, own.get(key), f"{name}.{key}") for key, value in defaults.items()})


def _set_outputs(config: Config, scheme: ClassScheme, path: Path) -> None:
    """Gives every head as many outputs as the scheme has classes; a config that names another number is refused."""
    for key in ("decode_head", "auxiliary_head"):
        named = config.model.get(key)
        for head in named if isinstance(named, list) else [named] if named else []:
            found = head.get("num_classes")
            if found not in (None, scheme.num_classes):
                raise InputError(
                    f"{path}: model.{key}.num_classes: expected {scheme.num_classes} as the class scheme {scheme.name} "
                    f"has, found {found}; leave it out, or name the classes in CLASSES"
                )
            head.num_classes = scheme.num_classes


def _set(config: Config, option: str) -> None:
    """Sets one existing key; a key that does not exist is refused, because it would be ignored."""
    name, separator, text = option.partition("=")
    if not separator:
        raise InputError(
            f"option {option!r}: expected key.key=value, found no '='; correct TEACHER_OPTIONS, SAR_OPTIONS"
        )
    *parents, last = name.split(".")
    place: Any = config
    for part in parents:
        place = _child(place, part, name)
    before, value = _child(place, last, name), _value(text)
    if isinstance(before, ConfigDict) and not isinstance(value, (dict, NoneType)):
        raise InputError(
            f"option {option!r}: expected a key behind {name} ({', '.join(before)}), found none; write {name}.KEY=VALUE"
        )
    if name in WHOLE_NUMBERS and type(value) is not int:
        raise InputError(f"option {option!r}: expected a whole number, found {value!r}; correct it")
    place[int(last) if isinstance(place, list) else last] = value


def _child(place: Any, part: str, name: str) -> Any:  # any node of a config tree
    if isinstance(place, list) and part.isdigit() and int(part) < len(place):
        return place[int(part)]
    if isinstance(place, (Config, ConfigDict)) and part in place:
        return place[part]
    known = list(place) if isinstance(place, (Config, ConfigDict)) else []
    raise InputError(
        f"option {name!r}: the config has no key {part!r}{_hint(part, known)}; correct TEACHER_OPTIONS, SAR_OPTIONS"
    )


def _value(text: str) -> object:
    """A Python value, a list of bare words such as [VV, VH], or the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return [_value(word.strip()) for word in text[1:-1].split(",")] if BARE_LIST.fullmatch(text) else text


def _hint(key: str, known: Sequence[str] | dict[str, str]) -> str:
    close = get_close_matches(key, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
