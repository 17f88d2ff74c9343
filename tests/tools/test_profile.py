import re
import shutil
import subprocess
from pathlib import Path

import pytest
from stages import ROOT, run_stage, settings


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return settings(tmp_path / "data", tmp_path / "run")


def path_with_fake(program: str, folder: Path, environment: dict[str, str], prints: str = 'echo "$@"') -> str:
    """PATH on which a program that prints its arguments comes first; of `python`, only where it starts torchrun."""
    fake = folder / "bin" / ("python" if program == "torchrun" else program)
    fake.parent.mkdir()
    python = shutil.which("python", path=environment["PATH"])
    launched = f'[ "$2" = torch.distributed.run ] || exec {python} "$@"\nshift 2\n' if program == "torchrun" else ""
    fake.write_text(f"#!/bin/sh\n{launched}{prints}\n")
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
    assert "unknown variable TECHERS; did you mean TEACHERS? `bash tools/run_all.sh --help` lists all" in call.stderr
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


@pytest.mark.skipif(shutil.which("srun") is not None, reason="Slurm is installed")
def test_a_missing_srun_is_told_in_one_line(environment: dict[str, str]) -> None:
    call = run_stage("10_train_teachers.sh", environment | {"LAUNCHER": "slurm"})
    assert (call.returncode, call.stderr.count("\n")) == (2, 1)
    assert call.stderr.startswith("error: LAUNCHER=slurm: expected srun in PATH, found none; ")


def test_the_label_set_of_the_profile_reaches_the_command(environment: dict[str, str], tmp_path: Path) -> None:
    environment |= {"PATH": path_with_fake("torchrun", tmp_path, environment), "GPUS": "2"}
    call = run_stage("20_write_pseudo_labels.sh", environment)
    assert f"--truth-root {environment['TRUTH_ROOT']} " in call.stdout
    assert "--label-set average --agree-with --classes openearthmap --label-values= --scales 1 " in call.stdout
    chosen = {"LABEL_SET": "agreement", "AGREE_WITH": "published mine=/some/labels"}
    call = run_stage("20_write_pseudo_labels.sh", environment | chosen)
    assert "--label-set agreement --agree-with published mine=/some/labels --classes openearthmap " in call.stdout


def test_how_windows_are_predicted_reaches_the_command(environment: dict[str, str], tmp_path: Path) -> None:
    environment |= {"PATH": path_with_fake("torchrun", tmp_path, environment), "GPUS": "2"}
    for stage in ("20_write_pseudo_labels.sh", "40_predict_sar.sh"):
        assert "--stride 1 --weighting uniform --dtype fp32" in run_stage(stage, environment).stdout
        chosen = environment | {"STRIDE": "0.5", "WEIGHTING": "cosine", "PREDICTION_DTYPE": "bf16"}
        assert "--stride 0.5 --weighting cosine --dtype bf16" in run_stage(stage, chosen).stdout


def arguments_of(stage: str, folder: Path, environment: dict[str, str], *arguments: str) -> list[str]:
    """Arguments of the several processes that a stage starts."""
    path = path_with_fake("torchrun", folder, environment, """printf '%s\\n' "$@" """)
    call = run_stage(stage, environment | {"PATH": path, "GPUS": "2"}, *arguments)
    assert (call.returncode, call.stderr) == (0, "")
    return call.stdout.splitlines()


def test_paths_with_spaces_arrive_as_single_arguments(environment: dict[str, str], tmp_path: Path) -> None:
    profile = tmp_path / "meine Käfer" / "mein profil.sh"
    profile.parent.mkdir()
    profile.write_text(
        """
        RUN_DIR="/läufe/run 1" DFC_ROOT="/d l" LABELS="/la bels" PRETRAINED_DIR="/my weights"
        CLASSES="/my classes.toml" LABEL_VALUES="255:0 +1" DATA_SETS="'my city'"
        TEACHERS=t.py SAR_MODELS=("my configs/a.py" b.py) PUBLISHED_MODELS="'my configs/c.py' l'ile.py"
        """,
        encoding="utf-8",
    )
    found = arguments_of("30_train_sar_models.sh", tmp_path, environment | {"SAR_OPTIONS": "a={'b': 1}"}, str(profile))
    assert found[4:] == [
        "stage2_sar_seg.train_sar_models",
        f"{ROOT}/my configs/a.py",
        f"{ROOT}/b.py",
        "--published",
        f"{ROOT}/my configs/c.py",
        f"{ROOT}/l'ile.py",
        "--only",
        *["--dfc-root", "/d l", "--truth-root", environment["TRUTH_ROOT"], "--labels", "/la bels"],
        *["--run-dir", "/läufe/run 1", "--seed", "0", "--jobs", "1"],
        *["--tracker", "none", "--data", "my city"],
        *["--classes", "/my classes.toml", "--label-values=255:0 +1"],
        *["--pretrained-dir", "/my weights"],
        *["--option", "a={'b': 1}"],
    ]


def test_the_start_of_sar_models_reaches_the_command(environment: dict[str, str], tmp_path: Path) -> None:
    assert "--start-from" not in arguments_of("30_train_sar_models.sh", tmp_path, environment)
    shutil.rmtree(tmp_path / "bin")
    teachers = environment | {"SAR_START": "teachers", "TEACHERS": "a.py b.py"}
    found = arguments_of("30_train_sar_models.sh", tmp_path, teachers)
    run_dir = environment["RUN_DIR"]
    expected = [f"{run_dir}/teachers/a/model.pth", f"{run_dir}/teachers/b/model.pth", "--option"]
    assert found[found.index("--start-from") + 1 :][:3] == expected
    shutil.rmtree(tmp_path / "bin")
    found = arguments_of("30_train_sar_models.sh", tmp_path, environment | {"SAR_START": "/my model.pth"})
    assert found[found.index("--start-from") + 1 :][:3] == ["/my model.pth", "--start-must-fit", "--option"]


def test_scores_for_the_labels_reach_the_command(environment: dict[str, str], tmp_path: Path) -> None:
    chosen = environment | {"REASSIGN": "sure_sar", "REASSIGN_OPTIONS": "threshold=0.8"}
    assert "--sar-scores" not in arguments_of("21_reassign_labels.sh", tmp_path, chosen)
    shutil.rmtree(tmp_path / "bin")
    found = arguments_of("21_reassign_labels.sh", tmp_path, chosen | {"SAR_SCORES": "/my scores/train"})
    assert found[found.index("--option") :][:5] == [
        *("--option", "threshold=0.8", "--sar-scores", "/my scores/train", "--teachers")
    ]


def test_a_matcher_its_settings_and_the_labels_before_it_reach_the_commands(
    environment: dict[str, str], tmp_path: Path
) -> None:
    run_dir = environment["RUN_DIR"]
    chosen = environment | {"REGISTER": "/my matcher/model.pth", "REGISTER_OPTIONS": "tolerance=2 model=affine"}
    found = arguments_of("22_register_labels.sh", tmp_path, chosen)
    assert found[4:9] == [
        "stage2_sar_seg.register_labels",
        *["--method", "/my matcher/model.pth"],
        *["--labels", f"{run_dir}/pseudo_labels"],
    ]
    assert found[9:13] == ["--option", "tolerance=2", "--option", "model=affine"]
    shutil.rmtree(tmp_path / "bin")
    found = arguments_of("22_register_labels.sh", tmp_path, chosen | {"REASSIGN": "sure_sar", "LABELS": "/l"})
    assert found[found.index("--labels") + 1] == f"{run_dir}/reassigned_labels"
    shutil.rmtree(tmp_path / "bin")
    found = arguments_of("30_train_sar_models.sh", tmp_path, chosen | {"LABELS": "/l"})
    assert found[found.index("--labels") + 1] == f"{run_dir}/registered_labels"


def test_options_of_the_readme_arrive_as_they_are_written(environment: dict[str, str], tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (option,) = re.findall(r'TEACHER_OPTIONS="(.*?)"', readme)
    assert option == "train_dataloader.dataset.source.rare_classes={'temperature':0.1,'min_pixels':200}"
    found = arguments_of("10_train_teachers.sh", tmp_path, environment | {"TEACHER_OPTIONS": option})
    assert found[-2:] == ["--option", option]
    spaced = option.replace(":", ": ").replace(",", ", ")
    shutil.rmtree(tmp_path / "bin")
    found = arguments_of("10_train_teachers.sh", tmp_path, environment | {"TEACHER_OPTIONS": f"{spaced} iterations=2"})
    assert found[-4:] == ["--option", spaced, "--option", "iterations=2"]


def test_labels_to_agree_with_may_lie_in_a_folder_with_spaces(environment: dict[str, str], tmp_path: Path) -> None:
    labels = tmp_path / "Daten (neu) für alle"
    labels.mkdir()
    found = arguments_of("20_write_pseudo_labels.sh", tmp_path, environment | {"AGREE_WITH": str(labels)})
    assert found[found.index("--agree-with") + 1 :][:2] == [str(labels), "--classes"]


def test_stages_run_in_a_clone_with_spaces_in_its_path(environment: dict[str, str], tmp_path: Path) -> None:
    clone = tmp_path / "Meine Käfer" / "repo"
    for part in ("tools", "configs/profiles", "landcover/profiles"):
        shutil.copytree(ROOT / part, clone / part)
    for name in ("__init__.py", "errors.py", "places.py"):
        shutil.copy(ROOT / "landcover" / name, clone / "landcover")
    environment |= {"GPUS": "2", "PRETRAINED": "1"}
    environment["PATH"] = path_with_fake("torchrun", tmp_path, environment, """printf '<%s>' "$@" """)
    command = ["bash", str(clone / "tools" / "10_train_teachers.sh")]
    call = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert (call.returncode, call.stderr) == (0, "")
    assert f"<{clone}/configs/demo/teacher_segformer_efficientnet_lite0.py>" in call.stdout
    assert f"<--pretrained-dir><{clone}/pretrained>" in call.stdout


def test_a_syntax_error_is_told_in_one_line(environment: dict[str, str], tmp_path: Path) -> None:
    profile = tmp_path / "mine.sh"
    profile.write_text("if true; then\n")
    call = run_stage("00_check_data.sh", environment | {"LC_ALL": "C.UTF-8"}, str(profile))
    assert call.returncode == 2
    assert call.stderr == f"error: {profile}: line 2: syntax error: unexpected end of file; correct the profile\n"


def test_a_mistake_is_told_before_the_first_stage(environment: dict[str, str], tmp_path: Path) -> None:
    profile = tmp_path / "mine.sh"
    profile.write_text("TECHERS=a\n")
    call = run_stage("run_all.sh", environment, str(profile))
    assert (call.returncode, call.stdout, call.stderr.count("\n")) == (2, "", 1)


def test_a_misspelt_variable_of_the_environment_is_warned_of(environment: dict[str, str], tmp_path: Path) -> None:
    environment |= {"PATH": path_with_fake("torchrun", tmp_path, environment), "GPUS": "2", "SAR_OPTION": "x"}
    call = run_stage("40_predict_sar.sh", environment)
    assert call.returncode == 0
    assert call.stderr == "warning: SAR_OPTION in the environment is read by nothing; did you mean SAR_OPTIONS?\n"


@pytest.mark.parametrize("script", [*sorted(path.name for path in (ROOT / "tools").glob("[0-9]*.sh")), "run_all.sh"])
def test_help_lists_the_variables_and_runs_nothing(environment: dict[str, str], script: str) -> None:
    for option in ("-h", "--help"):
        call = run_stage(script, environment, option)
        assert (call.returncode, call.stderr) == (0, "")
        assert call.stdout.startswith(f"Usage: bash tools/{script} [PROFILE")
        assert "\nRUN_DIR " in call.stdout


def test_help_with_a_profile_shows_its_values(environment: dict[str, str], tmp_path: Path) -> None:
    profile = tmp_path / "mine.sh"
    profile.write_text("SEED=17\n")
    for arguments in ([str(profile), "--help"], ["--help", str(profile)]):
        call = run_stage("run_all.sh", environment, *arguments)
        values = call.stdout.partition(f"Values of {profile} and the environment:\n")[2].splitlines()
        assert "SEED              17" in values
        assert f"RUN_DIR           {environment['RUN_DIR']}" in values
        assert "TEACHERS          missing: set it here or outside" in values
