import re

import pytest

from landcover.errors import InputError
from landcover.model_cards.card import card_text
from landcover.model_cards.facts import read_facts
from landcover.model_cards.origins import NOT_KNOWN, Origins
from landcover.run_files.atomic import write_json
from landcover.run_files.manifest import digest, package_versions

COMMAND = "python -m stage tiny.py --seed 7"
FREE = Origins(("demo",), {"efficientnet_lite1": ("a", "tiny")}, "pseudo_labels of a", COMMAND)


def sections(text: str) -> dict[str, str]:
    """Text below each heading."""
    _, *parts = re.split(r"^#+ ", text, flags=re.MULTILINE)
    return {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in parts}


def cells(text: str) -> list[list[str]]:
    """Cells of the rows of a Markdown table, without heads."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if "|" in line][2:]


def test_a_card_tells_what_the_files_tell(trained):
    folder = trained(about=FREE)
    card = sections(card_text(read_facts(folder)))
    assert [*card] == ["tiny", "Licences", "Images", "Classes", "Use", "Scores", "Training"]
    assert card["tiny"] == "Land cover from SAR images."
    assert cells(card["Images"]) == [
        ["sar: unit of the values", "amplitude"],
        ["sar: stretch", "none"],
        ["sar: mean, subtracted", "42"],
        ["sar: std, divided by", "32.5"],
        ["window", "128 x 128 pixels, as the crops of the training"],
        ["SAR files of the training", "uint8, the only band"],
        ["their values at 1 %, 50 %, 99 %", "2, 34, 161"],
    ]
    assert cells(card["Classes"])[0] == ["1", "bareland", "#800000"] and len(cells(card["Classes"])) == 8
    (row, logged) = cells(card["Scores"])[0], card["Scores"].splitlines()[-1]
    assert row[:5] == ["val labels", "1", "1,234,567", "50.0", "25.0"] and row[9:] == ["-", "-", "-"]
    assert re.fullmatch(r"\| test_rmse \| +1\.25 \|", logged)
    training = dict(cells(card["Training"]))
    assert training["labels"] == "pseudo_labels of a" and training["seed"] == "7"
    assert training["iterations"] == "60, exported 40 (validation_miou)"
    assert training["SHA-256 of model.pth"] == f"`{digest(folder / 'model.pth')}`"
    assert training["SHA-256 of labels"] == f"`{'1' * 64}`"
    assert f"torch {package_versions()['torch']}" in training["packages"]
    assert f"```bash\n{COMMAND}\n```\n\nwhere `config.py`" in card["Training"]


def test_free_licences_are_said_to_be_free(trained):
    licences = sections(card_text(read_facts(trained(about=FREE))))["Licences"]
    assert licences.startswith("No licence named here forbids commercial use.\n")
    assert [row[1] for row in cells(licences)] == ["trained on", "start of a, tiny"]
    assert [row[3] for row in cells(licences)] == ["yes", "yes"]


def test_non_commercial_comes_first_and_then_what_is_not_known(trained):
    made_of = Origins(("dfc2025", "openearthmap"), {"mit_b5": ("tiny",), NOT_KNOWN: ("b",)})
    licences = sections(card_text(read_facts(trained(about=made_of))))["Licences"]
    first = licences.splitlines()[0]
    assert first.startswith("**Not for commercial use**, say the licences of OpenEarthMap, ")
    assert "; weights mit_b5 (NVIDIA Source Code License for SegFormer (non-commercial)). **Terms not known**" in first
    assert first.endswith("Track 1); weights of unknown name: ask the source.")
    rows = {row[0]: row for row in cells(licences)}
    assert rows["weights mit_b5"][3] == "no" and "https://github.com/NVlabs/SegFormer" in rows["weights mit_b5"][2]
    assert rows["weights of unknown name"][2:] == ["not known, ask the source", "ask", "-"]


def test_data_that_nobody_names_are_told_to_be_missing_or_named_by_the_caller(trained):
    folder = trained(about=Origins())
    licences = sections(card_text(read_facts(folder)))["Licences"]
    assert licences.startswith("**Terms not known** of the training data: ask the source.")
    assert "name them in DATA_SETS" in licences
    named = sections(card_text(read_facts(folder, ["my_city"])))["Licences"]
    assert cells(named) == [["my_city", "trained on", "not known, ask the source", "ask", "-"]]


def test_scores_of_the_run_are_told_if_they_are_of_this_very_model(trained):
    folder = trained(about=FREE)
    run = folder.parent.parent
    found = {"miou": 0.75, "iou": {}, "labels": "manual labels of 10 test tiles", "pixels": 10}
    write_json(run / "metrics.json", {"sar_models": {"tiny": found}})
    scores = run / "scores" / "test" / "tiny" / "manifest.json"
    scores.parent.mkdir(parents=True)
    for model, expected in ((digest(folder / "model.pth"), ["1", "6"]), ("of an older model", ["1"])):
        made_by = {"scales": [1, 1.25], "flips": ["none", "horizontal", "both"]}
        write_json(scores, {"inputs": {"model": model}, "made_by": made_by})
        rows = [row for row in cells(sections(card_text(read_facts(folder)))["Scores"]) if len(row) > 2]
        assert [row[1] for row in rows] == expected


def test_a_teacher_reads_colours_and_a_matcher_has_no_classes(trained):
    rgb = {"mean": [1.0, 2.0, 3.0], "std": [4.0, 5.0, 6.0], "bgr_to_rgb": False}
    teacher = card_text(read_facts(trained("t", about=FREE, stage="teacher", modality="optical", preprocessor=rgb)))
    assert ["optical: mean, subtracted", "1, 2, 3"] in cells(sections(teacher)["Images"])
    assert "python -m tools.map_tiles" in teacher and "map_scene" not in teacher
    pair = {"preprocessors": {"optical": rgb, "sar": {"mean": [7.0], "std": [8.0], "unit": "decibel"}}}
    settings = {"stage": "matcher", "modality": "optical+sar", "preprocessor": pair, "metrics": None}
    matcher = card_text(read_facts(trained("m", about=FREE, **settings)))
    assert "## Classes" not in matcher and "REGISTER=m/model.pth" in matcher and "test_rmse" not in matcher
    assert ["sar: unit of the values", "decibel"] in cells(sections(matcher)["Images"])
    assert sections(matcher)["Scores"] == "None: there were no labelled tiles to score on."


def test_a_folder_without_a_finished_training_is_refused(trained, tmp_path):
    with pytest.raises(InputError, match=r"model\.pth: expected a trained model, found none"):
        read_facts(tmp_path)
    folder = trained()
    write_json(folder / "manifest.json", {"files": []})
    with pytest.raises(InputError, match=r"manifest\.json: expected the manifest of a training, found another"):
        read_facts(folder)
