import json

from landcover.model_cards.origins import (
    MAKERS,
    NOT_KNOWN,
    Origins,
    joined_weights,
    labels_told,
    origins_of,
    weights_of_labels,
    weights_of_start,
)
from landcover.networks.model_file import read_content
from landcover.networks.model_pack import write_pack
from landcover.run_files.atomic import write_json

ORIGINS = Origins(("demo",), {"mit_b0": ("tiny",)}, "pseudo_labels of a", "python -m x")


def test_origins_are_read_back_from_the_manifest(trained):
    assert Origins.of_json(json.loads(json.dumps(ORIGINS.record()))) == ORIGINS
    assert origins_of(trained(about=ORIGINS)) == ORIGINS


def test_of_older_models_the_config_tells_the_weights(trained):
    assert origins_of(trained(stage="teacher")) == Origins(weights={"efficientnet_lite1": ("tiny",)})
    assert origins_of(trained("random", stage="teacher", pretrained=None)) == Origins()
    older = origins_of(trained("older"))  # of the models that made its labels nothing was kept
    assert older.weights == {"efficientnet_lite1": ("older",), NOT_KNOWN: (MAKERS,)} and older.labels == ""


def test_the_models_of_each_weights_are_joined():
    parts = [{"x": ["b"]}, {"y": ["c"], "x": ["a", "b"]}]
    assert joined_weights(parts) == {"x": ("a", "b"), "y": ("c",)}


def test_weights_behind_labels_are_those_of_the_teachers(trained, tmp_path):
    teacher = trained("a", stage="teacher", about=Origins(weights={"mit_b0": ("a",)}))
    trained("b", stage="teacher")
    run = teacher.parent.parent
    labels = run / "pseudo_labels"
    labels.mkdir()
    inputs = {"scores of a": "0", "scores of b": "0", "scores of gone": "0", "labels of x": "0"}
    write_json(labels / "manifest.json", {"inputs": inputs})
    behind = {"efficientnet_lite1": ("b",), "mit_b0": ("a",), NOT_KNOWN: ("gone",)}
    assert weights_of_labels(labels) == behind
    assert labels_told(labels) == "pseudo_labels of a, b, gone"
    (run / "reassigned_labels").mkdir()
    assert weights_of_labels(run / "reassigned_labels") == behind
    (tmp_path / "manual").mkdir()
    assert weights_of_labels(tmp_path / "manual") == {} and labels_told(tmp_path / "manual") == "manual"


def test_weights_behind_a_start_are_those_of_its_file_or_pack(trained, tmp_path):
    folder = trained(about=ORIGINS)
    assert weights_of_start(folder / "model.pth") == {"mit_b0": ("tiny",)}
    content = read_content(folder / "model.pth")
    write_pack(tmp_path / "tiny.zip", content, {"manifest.json": (folder / "manifest.json").read_bytes()})
    assert weights_of_start(tmp_path / "tiny.zip") == {"mit_b0": ("tiny",)}
    write_pack(tmp_path / "bare.zip", content, {})
    assert weights_of_start(tmp_path / "bare.zip") == {NOT_KNOWN: ("tiny",)}
    (tmp_path / "alone.pth").write_bytes((folder / "model.pth").read_bytes())
    assert weights_of_start(tmp_path / "alone.pth") == {NOT_KNOWN: ("tiny",)}
