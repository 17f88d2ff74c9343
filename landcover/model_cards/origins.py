"""What a model was made of: data sets, published weights, the models whose labels it has learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mmengine import Config

from landcover.errors import InputError
from landcover.networks.model_file import MODEL_NAME, read_model_info
from landcover.networks.model_pack import PACK_SUFFIX, read_pack_json
from landcover.run_files.manifest import FINISHED, read_manifest
from landcover.run_files.training_log import CONFIG_NAME

SCORES_OF = "scores of "
"""How the manifest of pseudo-labels names the models that made them."""

NOT_KNOWN = "of unknown name"
"""Published weights of which nobody has kept the name."""

MAKERS = "the models that made its labels"


@dataclass(frozen=True)
class Origins:
    """What the manifest of a training keeps of where its model comes from.

    Args:
        data: names of data sets, of `configs/licences.toml` or others; empty if nobody has said.
        weights: of published weights, the models that started from them: the model itself, one that it started from,
            and those whose labels it has learned.
        labels: what it has learned, in words; empty if that is not known.
        command: that has trained it.
    """

    data: tuple[str, ...] = ()
    weights: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    labels: str = ""
    command: str = ""

    @staticmethod
    def of_json(content: Mapping[str, Any]) -> Origins:
        """What `record` made of it."""
        weights = {name: tuple(models) for name, models in content.get("weights", {}).items()}
        return Origins(tuple(content.get("data", ())), weights, content.get("labels", ""), content.get("command", ""))

    def record(self) -> dict[str, Any]:
        """JSON values, for the manifest."""
        return asdict(self)


def joined_weights(parts: Sequence[Mapping[str, Sequence[str]]]) -> dict[str, tuple[str, ...]]:
    """The models that started from each of several published weights, sorted."""
    names = sorted({name for part in parts for name in part})
    return {name: tuple(sorted({model for part in parts for model in part.get(name, ())})) for name in names}


def own_weights(name: str, pretrained: str | None) -> dict[str, tuple[str, ...]]:
    """The published weights from which a model started itself."""
    return {} if pretrained is None else {pretrained: (name,)}


def origins_of(folder: Path) -> Origins:
    """Origins of a trained model, from the manifest in its folder.

    Older manifests tell none: what the model started from is in its config then, what made its labels is not known.
    """
    manifest = read_manifest(folder / FINISHED)
    if manifest.get("about"):
        return Origins.of_json(manifest["about"])
    config = folder / CONFIG_NAME
    pretrained = Config.fromfile(str(config)).get("pretrained") if config.is_file() else None
    behind_labels = {NOT_KNOWN: (MAKERS,)} if manifest["made_by"].get("stage") == "sar_model" else {}
    return Origins(weights=joined_weights([own_weights(folder.name, pretrained), behind_labels]))


def weights_of_start(path: Path) -> dict[str, tuple[str, ...]]:
    """Published weights behind a model file or pack from which another model starts."""
    try:
        if path.suffix == PACK_SUFFIX:
            return dict(Origins.of_json(read_pack_json(path, FINISHED).get("about", {})).weights)
        if path.name == MODEL_NAME:
            return dict(origins_of(path.parent).weights)
    except InputError:  # a file without its folder is a model all the same
        pass
    return {NOT_KNOWN: (read_model_info(path).name,)}


def weights_of_labels(folder: Path) -> dict[str, tuple[str, ...]]:
    """Published weights behind the models that made a folder of label files; none for labels of other origin.

    Label filters keep no names of models: for what they have written, the pseudo-labels of the same run speak.
    """
    makers = [maker for place in (folder, folder.parent / "pseudo_labels") for maker in _makers(place)]
    return joined_weights([_weights_of_maker(folder.parent / "teachers" / name) for name in dict.fromkeys(makers)])


def labels_told(folder: Path) -> str:
    """A folder of label files in words: its name, and the models that made them."""
    makers = _makers(folder)
    return f"{folder.name} of {', '.join(makers)}" if makers else folder.name


def _makers(folder: Path) -> list[str]:
    """Names of the models whose scores made the label files of a folder."""
    path = folder / FINISHED
    inputs = read_manifest(path).get("inputs", {}) if path.is_file() else {}
    return [name.removeprefix(SCORES_OF) for name in inputs if name.startswith(SCORES_OF)]


def _weights_of_maker(folder: Path) -> Mapping[str, tuple[str, ...]]:
    try:
        return origins_of(folder).weights
    except InputError:  # its scores are enough to make labels
        return {NOT_KNOWN: (folder.name,)}
