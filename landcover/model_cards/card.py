"""The card of a model, in Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from landcover.classes import ClassScheme
from landcover.model_cards.facts import ModelFacts
from landcover.model_cards.licences import Ingredient, data_set, published_weights
from landcover.report.text_table import markdown_table
from landcover.sar.training_values import PERCENTILES

KINDS = {
    "teacher": "A teacher: land cover from optical images, adapted to images of another region without labels.",
    "sar_model": "Land cover from {modality} images.",
    "matcher": "A matcher: the offset between a SAR image and an optical image of one place.",
}
"""What a model does, by the stage that trained it."""

NOT_SAID = "not said by whoever trained it"
ASK = "not known, ask the source"


def card_text(facts: ModelFacts) -> str:
    """The card: licences first, then what the model takes and gives, how good it is, how it was made."""
    title = f"# {facts.info.name}\n\n{_kind(facts)}"
    parts = [title, _licences(facts), _images(facts), _outputs(facts), _use(facts), _scores(facts), _training(facts)]
    return "\n\n".join(part for part in parts if part) + "\n"


def ingredients(facts: ModelFacts) -> list[tuple[Ingredient, str]]:
    """Everything that the model is made of, and what it is to it."""
    origins = facts.origins
    return [
        *((data_set(name), "trained on") for name in origins.data),
        *((published_weights(name), f"start of {', '.join(models)}") for name, models in origins.weights.items()),
    ]


def verdict(parts: Sequence[Ingredient]) -> str:
    """What the licences say of commercial use, the strictest first."""
    forbidding = [part for part in parts if part.commercial is False]
    unknown = [part for part in parts if part.commercial is None]
    told = []
    if forbidding:
        named = "; ".join(f"{part.title} ({part.licence})" for part in forbidding)
        told.append(f"**Not for commercial use**, say the licences of {named}.")
    if unknown:
        told.append(f"**Terms not known** of {'; '.join(part.title for part in unknown)}: ask the source.")
    return " ".join(told) or "No licence named here forbids commercial use."


def _kind(facts: ModelFacts) -> str:
    kind = KINDS.get(facts.manifest["made_by"]["stage"], "A model of {modality} images.")
    return kind.format(modality=" and ".join(facts.info.modality.replace("sar", "SAR").split("+")))


def _licences(facts: ModelFacts) -> str:
    parts = ingredients(facts)
    if not facts.origins.data:
        parts = [(Ingredient("the training data", "name them in DATA_SETS"), NOT_SAID), *parts]
    rows = [
        [part.title, what, _licence(part), {True: "yes", False: "no", None: "ask"}[part.commercial], part.source or "-"]
        for part, what in parts
    ]
    return "\n\n".join(
        [
            "## Licences",
            verdict([part for part, _ in parts]),
            markdown_table(["made of", "as", "licence", "commercial use", "source"], rows, texts=5),
            "Whether a licence of data or weights binds the model is a question of law that this card leaves open. The "
            "model's own licence is for whoever gives it away to choose.",
        ]
    )


def _licence(part: Ingredient) -> str:
    if not part.licence:
        return ASK
    named = f"[{part.licence}]({part.address})" if part.address else part.licence
    return f"{named}, as stated at {part.stated}" if part.stated else named


def _images(facts: ModelFacts) -> str:
    preprocessor = facts.network.get("data_preprocessor", {})
    parts = preprocessor.get("preprocessors") or {facts.info.modality: preprocessor}
    rows = [[f"{name}: {key}", value] for name, part in parts.items() for key, value in _preprocessing(part)]
    rows += [["window", f"{facts.info.window} x {facts.info.window} pixels, as the crops of the training"]]
    sar = facts.info.sar
    if sar is not None:
        bands = f"bands {', '.join(map(str, sar.bands))}" if sar.bands else "the only band"
        rows += [["SAR files of the training", f"{sar.dtype}, {bands}"]]
        shares = ", ".join(f"{share} %" for share in PERCENTILES)
        values = "; ".join(", ".join(f"{value:.6g}" for value in band) for band in sar.percentiles)
        rows += [[f"their values at {shares}", values]]
    return "\n\n".join(["## Images", markdown_table(["", ""], rows, texts=2)])


def _preprocessing(part: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Unit, and how the network normalises; it does so itself."""
    known = {"unit": "unit of the values", "stretch": "stretch", "despeckle": "speckle filter"}
    told = [(known[key], _value(part[key])) for key in known if key in part]
    statistics = [(key, ", ".join(f"{value:.6g}" for value in part[key])) for key in ("mean", "std") if key in part]
    return told + [(f"{key}, subtracted" if key == "mean" else f"{key}, divided by", text) for key, text in statistics]


def _value(value: object) -> str:
    return value if isinstance(value, str) else "none" if value is None else json.dumps(value)


def _outputs(facts: ModelFacts) -> str:
    if facts.manifest["made_by"]["stage"] == "matcher":
        return ""
    scheme = facts.info.scheme
    rows = [[str(n), name, "#{:02X}{:02X}{:02X}".format(*colour)] for n, name, colour in _classes(scheme)]
    head = f"## Classes\n\nScheme `{scheme.name}`; 0 in a map is no data. Output n - 1 of the network is class n."
    return f"{head}\n\n{markdown_table(['class', 'name', 'colour'], rows, texts=3)}"


def _classes(scheme: ClassScheme) -> list[tuple[int, str, tuple[int, int, int]]]:
    return [(n + 1, name, scheme.palette[n]) for n, name in enumerate(scheme.classes)]


def _use(facts: ModelFacts) -> str:
    model = f"{facts.info.name}/model.pth"
    optical = " --optical OPTICAL.tif" if facts.info.modality == "optical+sar" else ""
    if facts.manifest["made_by"]["stage"] == "matcher":
        command = f"REGISTER={model} bash tools/22_register_labels.sh PROFILE"
    elif facts.info.modality == "optical":
        command = f"python -m tools.map_tiles --images FOLDER --models {model} --out MAPS"
    else:
        command = f"bash tools/map_scene.sh --scene SCENE.tif{optical} --models {model} --out MAP.tif"
    return f"## Use\n\n```bash\n{command}\n```\n\nA pack of this model, `{facts.info.name}.zip`, does as well."


def _scores(facts: ModelFacts) -> str:
    scheme, parts = facts.info.scheme, ["## Scores"]
    if facts.scores:
        heads = ["IoU in %, on", "views", "pixels", "mIoU", *scheme.classes]
        rows = [
            [
                str(score.values["labels"]),
                str(score.views),
                f"{score.values.get('pixels', 0):,}",
                _percent(score.values["miou"]),
                *(_percent(score.values["iou"].get(name)) for name in scheme.classes),
            ]
            for score in facts.scores
        ]
        parts.append(markdown_table(heads, rows, texts=1))
    logged = {name: value for name, value in facts.logged.items() if name != "validation_miou"}
    if logged:
        rows = [[name, f"{value:.4g}"] for name, value in logged.items()]
        parts.append(f"Logged at the exported iteration:\n\n{markdown_table(['value', ''], rows, texts=1)}")
    return "\n\n".join(parts if len(parts) > 1 else [*parts, "None: there were no labelled tiles to score on."])


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


def _training(facts: ModelFacts) -> str:
    made_by, (rule, iteration) = facts.manifest["made_by"], facts.chosen
    rows = [
        ["labels", facts.origins.labels or "not told by its manifest"],
        ["seed", str(made_by["seed"])],
        ["iterations", f"{made_by['iterations']}, exported {iteration} ({rule})"],
        ["processes", str(made_by["processes"])],
        ["SHA-256 of model.pth", f"`{facts.digest}`"],
        *([f"SHA-256 of {name}", f"`{value}`"] for name, value in facts.manifest["inputs"].items()),
        ["packages", ", ".join(f"{name} {version}" for name, version in facts.manifest["versions"].items())],
    ]
    told = ["## Training", markdown_table(["", ""], rows, texts=2)]
    if facts.origins.command:
        command = f"```bash\n{facts.origins.command}\n```"
        told.append(f"Trained by\n\n{command}\n\nwhere `config.py`, beside the model, has every value.")
    return "\n\n".join(told)
