import logging
import os
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from mmengine import Config
from mmengine.visualization import vis_backend

from landcover.errors import InputError
from landcover.training.tracking.trackers import TRACKERS, build_tracker, check_tracker

PICTURE = np.zeros((2, 2, 3), np.uint8)
SETTINGS = Config({"seed": 0, "model": {"type": "EncoderDecoder"}})


CURES = {"tensorboard": "-r tools/optional_requirements.txt", "mlflow": "mlflow", "wandb": "wandb"}


@pytest.mark.parametrize("name", TRACKERS)
def test_a_tracker_without_its_package_is_refused_with_what_to_install(monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)  # importing it fails
    told = f"^TRACKER={name}: expected the package {name}, found no module {name}; pip install {CURES[name]}, or do"
    with pytest.raises(InputError, match=told):
        check_tracker(name)


def test_no_tracker_needs_no_package_and_an_unknown_one_is_refused():
    check_tracker("none")
    with pytest.raises(InputError, match=r"^TRACKER: expected none, tensorboard, mlflow, wandb, found comet; correct"):
        check_tracker("comet")


class Calls(ModuleType):
    """A module in a package's place that keeps the calls of its functions."""

    def __init__(self, name, **attributes):
        super().__init__(name)
        self.calls = []
        self.__dict__.update(attributes)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *arguments, **settings: self.calls.append((name, arguments, settings))

    def called(self, name):
        return [(arguments, settings) for call, arguments, settings in self.calls if call == name]


@pytest.fixture
def mlflow(monkeypatch):
    """In the package's place, with one run."""
    run = SimpleNamespace(info=SimpleNamespace(run_id="abc"))
    module = Calls("mlflow", active_run=lambda: run, MlflowException=RuntimeError)
    monkeypatch.setitem(sys.modules, "mlflow", module)
    # mmengine opens the logs of its logger again, which earlier tests may have left with a closed stream
    monkeypatch.setattr(vis_backend, "MMLogger", SimpleNamespace(get_current_instance=lambda: logging.getLogger("x")))
    return module


def test_mlflow_writes_a_database_here_and_continues_its_run(mlflow, monkeypatch, tmp_path):
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    first = build_tracker("mlflow", tmp_path, "tiny", None)
    first.add_config(SETTINGS)
    assert "MLFLOW_RUN_ID" not in os.environ and first.run == "abc"
    again = build_tracker("mlflow", tmp_path, "tiny", first.run)
    again.add_scalars({"loss": 0.5}, step=7)
    assert os.environ["MLFLOW_RUN_ID"] == "abc"
    again.add_image("maps/a", PICTURE, step=7)
    again.close()
    assert mlflow.called("set_tracking_uri")[0][0] == (f"sqlite:///{tmp_path}/mlflow.db",)
    assert mlflow.called("set_tag")[0][0] == ("mlflow.runName", "tiny")
    assert mlflow.called("log_params")[0][0] == ({"seed": 0, "model.type": "EncoderDecoder"},)
    assert mlflow.called("log_metrics")[0][0] == ({"loss": 0.5}, 7)
    assert mlflow.called("log_image")[0][0][1] == "maps/a_000007.png"
    assert len(mlflow.called("end_run")) == 1


def test_mlflow_goes_to_the_server_that_is_named(mlflow, monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://server:5000")
    build_tracker("mlflow", tmp_path, "tiny", None).add_config(SETTINGS)
    assert mlflow.called("set_tracking_uri")[0][0] == ("http://server:5000",)


def test_wandb_stays_here_and_draws_over_iterations(monkeypatch, tmp_path):
    config = Calls("config")
    wandb = Calls("wandb", config=config, Image=lambda picture: ("image", picture.shape))
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    for name in ("WANDB_MODE", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    first = build_tracker("wandb", tmp_path, "tiny", None)
    first.add_config(SETTINGS)
    first.add_scalars({"loss": 0.5}, step=7)
    first.add_image("maps/a", PICTURE, step=7)
    first.close()
    ((_, settings),) = wandb.called("init")
    expected = {"project": "landcover", "name": "tiny", "id": first.run, "resume": "allow", "mode": "offline"}
    assert settings == {**expected, "dir": str(tmp_path)} and len(first.run) == 32
    assert wandb.called("define_metric") == [((), {"name": "*", "step_metric": "iteration"})]
    assert config.called("update")[0][0] == (SETTINGS.to_dict(),)
    assert [arguments for arguments, _ in wandb.called("log")] == [
        ({"loss": 0.5, "iteration": 7},),
        ({"maps/a": ("image", (2, 2, 3)), "iteration": 7},),
    ]
    assert len(wandb.called("finish")) == 1
    assert build_tracker("wandb", tmp_path, "tiny", first.run).run == first.run
