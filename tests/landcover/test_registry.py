import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from landcover.registry import register_all

MODELS = Path(__file__).parents[2] / "configs" / "_base_" / "models"

REGISTER_AND_LOOK = """
import warnings
from landcover.registry import register_all
register_all()
register_all()
import mmengine
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS
print(DefaultScope.get_current_instance().scope_name)
print(all(MODELS.get(name) for name in
    ("FastMixVisionTransformer", "TimmFeatures", "FastSegformerHead", "SymmetricCrossEntropy", "LovaszSoftmax")))
"""

IMPORT_WITH_NOISE = """
import sys, types, warnings
from landcover.quiet_mmseg import import_quietly
from pathlib import Path
Path("noisy.py").write_text("import warnings; print('Could not import OneDL'); print('news'); warnings.warn('old')")
import_quietly("noisy")
"""


TWO_CLASSES = """
from landcover.registry import register_all
from mmseg.registry import MODELS
register_all()
MODELS.build({"type": "FCNHead", "in_channels": 4, "channels": 4, "num_classes": 2, "norm_cfg": {"type": "BN"}})
"""


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": f"{Path(__file__).parents[2]}{os.pathsep}{folder}",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-W", "default::UserWarning", "-c", program]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)


def test_registering_prints_and_warns_nothing(tmp_path: Path) -> None:
    result = run(REGISTER_AND_LOOK, tmp_path)
    assert result.stdout == "mmseg\nTrue\n"
    assert result.stderr == ""


def test_heads_of_two_classes_are_not_advised_to_have_one_output(tmp_path: Path) -> None:
    assert "binary segmentation" not in run(TWO_CLASSES, tmp_path).stderr


def test_only_the_known_noise_is_held_back(tmp_path: Path) -> None:
    result = run(IMPORT_WITH_NOISE, tmp_path)
    assert result.stdout == "news\n"
    assert "UserWarning: old" in result.stderr


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("segformer_mit.py", 47.3e6), ("upernet_swinv2.py", 121.3e6), ("upernet_convnextv2.py", 122.1e6)],
)
def test_base_model_builds_and_gives_eight_logits(name: str, parameters: float) -> None:
    register_all()
    from mmseg.registry import MODELS as REGISTRY

    network = Config.fromfile(MODELS / name).model
    for head in ("decode_head", "auxiliary_head"):
        network.setdefault(head, {})["num_classes"] = 8
    model = REGISTRY.build(
        {key: value for key, value in network.items() if key != "auxiliary_head" or "type" in value}
    ).eval()
    model.init_weights()
    assert sum(parameter.numel() for parameter in model.parameters()) == pytest.approx(parameters, rel=2e-3)
    with torch.no_grad():
        logits = model.encode_decode(torch.zeros(1, 3, 64, 64), [{"img_shape": (64, 64)}])
    assert logits.shape == (1, 8, 64, 64)


GUEST = """
from mmseg.registry import MODELS
@MODELS.register_module()
class Guest: ...
"""

IMPORT_GUESTS = """
import os, sys
from mmseg.registry import MODELS
from landcover.errors import InputError
from landcover.registry import register_all
os.environ["PLUGINS"] = "guest"
register_all()
print(MODELS.get("Guest").__name__)
for name in ("absent", "broken"):
    os.environ["PLUGINS"] = f"guest {name}"
    try:
        register_all()
    except InputError as error:
        print(error)
"""


def test_modules_of_the_user_are_imported_and_a_wrong_one_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "guest.py").write_text(GUEST)
    (tmp_path / "broken.py").write_text("1 / 0\n")
    found, absent, broken = run(IMPORT_GUESTS, tmp_path).stdout.splitlines()
    assert found == "Guest"
    expected = "PLUGINS: expected the name of a Python module that registers classes, found"
    assert absent.startswith(f"{expected} absent, which can not be imported (ModuleNotFoundError: No module named 'abs")
    assert broken.startswith(
        f"{expected} broken, which can not be imported (ZeroDivisionError: division by zero); corr"
    )
