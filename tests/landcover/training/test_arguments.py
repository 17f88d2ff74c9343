import argparse
from pathlib import Path

from landcover.model_cards.origins import Origins
from landcover.training.arguments import ROOT, add_training_arguments, as_asked, training_command

WORDS = [
    str(ROOT / "configs" / "demo" / "a.py"), "/home/me/b.py", "--dfc-root", "/data/dfc", "--run-dir", "/runs/x",
    "--seed", "3", "--jobs", "2", "--only", "a", "--option", "iterations=2", "--option", "sar.bands=[VV, VH]",
    "--label-values", "255:0 +1", "--tracker", "tensorboard", "--data", "demo", "my_city",
    "--start-from", "/x/one.pth", "/x/two.pth", "--start-must-fit", "--splits", "train", "val",
    "--published", "/home/me/b.py",
]  # fmt: skip
COMMAND = (
    "python -m stage configs/demo/a.py b.py --run-dir RUN_DIR --seed 3 --option iterations=2 "
    "--option 'sar.bands=[VV, VH]' --dfc-root DFC_ROOT --classes openearthmap --label-values '255:0 +1' "
    "--start-from START_FROM --start-must-fit --splits train val --published b.py"
)


def parsed(*further: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_training_arguments(parser)
    parser.add_argument("--start-from", nargs="*", type=Path, default=[])
    parser.add_argument("--start-must-fit", action="store_true")
    parser.add_argument("--splits", nargs="+")
    parser.add_argument("--published", nargs="*", type=Path, default=[])
    parser.add_argument("--hold-out", type=float)
    return parser.parse_args([*WORDS, *further])


def test_the_command_of_one_model_has_no_path_of_this_machine(monkeypatch):
    monkeypatch.delenv("CLASSES", raising=False)
    assert training_command("stage", "a", parsed()) == f"{COMMAND} --only a"
    assert "--seed 0 --option" in training_command("stage", "a", parsed("--seed", "0"))
    assert training_command("stage", "a", parsed("--hold-out", "0.1")) == f"{COMMAND} --hold-out 0.1 --only a"


def test_the_command_line_tells_what_shows_a_training_and_what_its_data_are(monkeypatch, make_training, tmp_path):
    monkeypatch.delenv("CLASSES", raising=False)
    (asked,) = as_asked([make_training(tmp_path)], parsed(), "stage")
    assert asked.tracker == "tensorboard"
    assert asked.origins == Origins(data=("demo", "my_city"), command=f"{COMMAND} --only tiny")
