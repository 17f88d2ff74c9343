from pathlib import Path

import pytest
from stages import run_stage, settings


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return settings(tmp_path / "data", tmp_path / "run")


def path_with_fake(program: str, folder: Path, environment: dict[str, str]) -> str:
    """PATH on which a program that prints its arguments comes first."""
    fake = folder / "bin" / program
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho "$@"\n')
    fake.chmod(0o755)
    return f"{fake.parent}:{environment['PATH']}"


def test_an_unknown_profile_is_refused_in_one_line(environment: dict[str, str]) -> None:
    call = run_stage("00_check_data.sh", environment, "configs/profiles/nothing.sh")
    assert call.returncode == 2
    assert call.stderr.startswith("error: configs/profiles/nothing.sh: expected a profile, found no such file; ")
    assert call.stderr.count("\n") == 1


def test_an_unknown_variable_of_a_profile_is_refused_by_name(environment: dict[str, str], tmp_path: Path) -> None:
    profile = tmp_path / "mine.sh"
    profile.write_text(': "${RUN_DIR:=runs/mine}"\nTECHERS=configs/demo/teacher_segformer.py\n')
    call = run_stage("10_train_teachers.sh", environment, str(profile))
    assert call.returncode == 2
    assert "unknown variable TECHERS" in call.stderr
    assert call.stderr.count("\n") == 1


def test_a_missing_value_is_refused_by_name(environment: dict[str, str], tmp_path: Path) -> None:
    profile = tmp_path / "mine.sh"
    profile.write_text("TEACHERS=configs/demo/teacher_segformer.py\n")
    call = run_stage("10_train_teachers.sh", environment, str(profile))
    assert (call.returncode, call.stderr.count("\n")) == (2, 1)
    assert "expected a value for SAR_MODELS" in call.stderr


def test_a_missing_data_root_names_the_folder_and_the_variable(environment: dict[str, str], tmp_path: Path) -> None:
    call = run_stage("00_check_data.sh", environment)
    assert (call.returncode, call.stderr.count("\n")) == (2, 1)
    assert str(tmp_path / "data" / "OpenEarthMap") in call.stderr
    assert "OEM_ROOT" in call.stderr
    assert not (tmp_path / "run").exists()


def test_an_unknown_launcher_is_refused(environment: dict[str, str]) -> None:
    call = run_stage("10_train_teachers.sh", {**environment, "LAUNCHER": "ssh"})
    assert call.returncode == 2
    assert "LAUNCHER: expected torchrun or slurm, found ssh" in call.stderr


@pytest.mark.parametrize(
    ("launcher", "program", "expected"),
    [
        ("torchrun", "torchrun", "--standalone --nproc_per_node 4 -m stage1_optical_da.train_teachers "),
        ("slurm", "srun", "--ntasks=4 --kill-on-bad-exit=1 -p long python -m stage1_optical_da.train_teachers "),
    ],
)
def test_several_processes_are_started_by_the_launcher(
    environment: dict[str, str], tmp_path: Path, launcher: str, program: str, expected: str
) -> None:
    path = {"PATH": path_with_fake(program, tmp_path, environment), "SLURM_OPTIONS": "-p long"}
    call = run_stage("10_train_teachers.sh", {**environment, **path, "LAUNCHER": launcher, "GPUS": "4"})
    assert call.returncode == 0, call.stderr
    assert call.stdout.startswith(expected)
    assert f"--run-dir {environment['RUN_DIR']}" in call.stdout
    assert "--option iterations=6 --option checkpoint_interval=2" in call.stdout


def test_the_label_set_of_the_profile_reaches_the_command(environment: dict[str, str], tmp_path: Path) -> None:
    environment |= {"PATH": path_with_fake("torchrun", tmp_path, environment), "GPUS": "2"}
    call = run_stage("20_write_pseudo_labels.sh", environment)
    assert f"--truth-root {environment['TRUTH_ROOT']} " in call.stdout
    assert "--label-set average --agree-with --scales 1 " in call.stdout
    chosen = {"LABEL_SET": "agreement", "AGREE_WITH": "published mine=/some/labels"}
    call = run_stage("20_write_pseudo_labels.sh", environment | chosen)
    assert "--label-set agreement --agree-with published mine=/some/labels --scales 1 " in call.stdout


def test_how_windows_are_predicted_reaches_the_command(environment: dict[str, str], tmp_path: Path) -> None:
    environment |= {"PATH": path_with_fake("torchrun", tmp_path, environment), "GPUS": "2"}
    for stage in ("20_write_pseudo_labels.sh", "40_predict_sar.sh"):
        assert "--stride 0.5 --weighting uniform --dtype fp32" in run_stage(stage, environment).stdout
        chosen = environment | {"WEIGHTING": "cosine", "PREDICTION_DTYPE": "bf16"}
        assert "--stride 0.5 --weighting cosine --dtype bf16" in run_stage(stage, chosen).stdout
