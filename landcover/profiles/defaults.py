"""Values of all variables: as given, else their defaults; lists taken apart, and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from landcover.errors import InputError
from landcover.places import at_home, local_path
from landcover.profiles.profile import Profile
from landcover.profiles.variables import VARIABLES, Variable
from landcover.profiles.words import QUOTES, split_words

Value = str | tuple[str, ...]
"""A text, or the words of a list."""


def stem(config: str) -> str:
    """Name of the model that a config trains: its file name without .py."""
    return Path(config).name.removesuffix(".py")


COMPUTED: Mapping[str, Callable[[Mapping[str, Value]], Value]] = {
    "ENSEMBLE": lambda values: tuple(stem(config) for config in values.get("SAR_MODELS", ())),
    "AVERAGE": lambda values: "" if values.get("ENSEMBLE_WEIGHTS") else "logits",
}
"""Defaults that follow from the values of other variables: a file of weights says what it was made for."""


def all_values(profile: Profile, root: Path) -> dict[str, Value]:
    """Value of every variable by its name; required ones that nothing gives are left out.

    Args:
        profile: values as given.
        root: the repository, from where configs are named.

    Raises:
        InputError: a value that its kind does not allow.
    """
    values: dict[str, Value] = {}
    for variable in VARIABLES:
        given = profile.values.get(variable.name)
        if given:
            values[variable.name] = _checked(variable, given, root)
    for variable in VARIABLES:
        if variable.name not in values and not variable.required:
            values[variable.name] = _default(variable, values, root)
    return values


def require(values: Mapping[str, Value], profile: Profile) -> None:
    """Refuses values without one that every profile needs.

    Raises:
        InputError: names the first.
    """
    for variable in VARIABLES:
        if variable.required and variable.name not in values:
            raise InputError(
                f"{profile.path}: expected a value for {variable.name}, found none; "
                "set it in the profile or the environment"
            )


def _default(variable: Variable, values: Mapping[str, Value], root: Path) -> Value:
    if variable.name in COMPUTED:
        return COMPUTED[variable.name](values)
    if variable.is_list:
        return split_words(variable.default, variable.name)
    if variable.default.startswith("$REPO_ROOT"):
        return variable.default.replace("$REPO_ROOT", str(root))
    if variable.default.startswith("$"):
        return values.get(variable.default[1:], variable.default)
    return variable.default


def _checked(variable: Variable, given: Value, root: Path) -> Value:
    if variable.is_list:
        words = _words(variable, given, root) if isinstance(given, str) else given
        words = tuple(map(at_home, words)) if variable.kind in ("paths", "configs") else words
        # Configs are named from the repository's root, wherever the stage is started.
        return tuple(str(root / word) for word in words) if variable.kind == "configs" else words
    if not isinstance(given, str):
        raise InputError(f"{variable.name}: expected one value, found an array; write {variable.name}=VALUE")
    if variable.kind == "path":
        local_path(given, variable.name)
        given = at_home(given)
    if variable.choices and given not in variable.choices:
        raise InputError(f"{variable.name}: expected {' or '.join(variable.choices)}, found {given}")
    if variable.kind == "count" and not given.isdecimal():
        raise InputError(f"{variable.name}: expected a whole number, found {given!r}; correct it")
    return given


def _words(variable: Variable, text: str, root: Path) -> tuple[str, ...]:
    """Words of a text; a text that as a whole names something on disk is one, spaces or not."""
    if variable.kind in ("paths", "configs"):
        name, equals, folder = text.partition("=")
        named = bool(equals) and not any(map(str.isspace, name))  # NAME=FOLDER
        if (root / text if variable.kind == "configs" else Path(text)).exists() or (named and Path(folder).exists()):
            return (text,)
    words = split_words(text, variable.name)
    return tuple(map(_without_inner_quotes, words)) if variable.kind == "paths" else words


def _without_inner_quotes(word: str) -> str:
    """NAME=FOLDER of NAME='FOLDER', as the shell has it."""
    name, equals, folder = word.partition("=")
    quoted = equals and len(folder) > 1 and folder[0] == folder[-1] and folder[0] in QUOTES
    return f"{name}={folder[1:-1]}" if quoted else word
