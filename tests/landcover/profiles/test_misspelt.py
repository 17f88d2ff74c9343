import pytest

from landcover.profiles.misspelt import misspelt, nearest

USUAL = (
    "PATH HOME USER LANG LANGUAGE LC_ALL SHELL TERM PWD OLDPWD SHLVL TMPDIR EDITOR PYTHONPATH VIRTUAL_ENV CONDA_PREFIX "
    "CUDA_VISIBLE_DEVICES CUDA_HOME NCCL_DEBUG OMP_NUM_THREADS GPU GPU_DEVICE_ORDINAL MASTER_ADDR MASTER_PORT RANK "
    "WORLD_SIZE LOCAL_RANK SLURM_JOB_ID SLURM_PROCID SLURM_LOCALID SLURM_NTASKS SLURM_JOB_PARTITION SLURM_NODELIST "
    "SLURM_GPUS SLURM_GPUS_ON_NODE SLURM_GPUS_PER_TASK SLURM_SUBMIT_DIR SBATCH_GPUS XDG_RUNTIME_DIR MODULEPATH "
    "GDAL_DATA PROJ_LIB DISPLAY SSH_AUTH_SOCK LD_LIBRARY_PATH MKL_NUM_THREADS DATA_ROOT DATA_DIR ROOT_DIR RUNNER_TEMP "
    "PROFILE MODELS"
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("TECHERS", "TEACHERS"),
        ("teachers", "TEACHERS"),
        ("TEACHER_OPTION", "TEACHER_OPTIONS"),
        ("DFCROOT", "DFC_ROOT"),
        ("SARMODELS", "SAR_MODELS"),
        ("i", None),
        ("CUDA_VISIBLE_DEVICES", None),
    ],
)
def test_the_nearest_name(name: str, expected: str | None) -> None:
    assert nearest(name) == expected


def test_usual_environments_hold_no_misspelt_variable() -> None:
    assert misspelt(USUAL.split()) == {}


def test_misspelt_variables_of_an_environment_are_found() -> None:
    names = ["PATH", "TEACHERS", "SAR_OPTION", "TECHERS", "HOLDOUT", "teacher", "PREDICTION_TYPE"]
    assert misspelt(names) == {
        "SAR_OPTION": "SAR_OPTIONS",
        "TECHERS": "TEACHERS",
        "HOLDOUT": "HOLD_OUT",
        "PREDICTION_TYPE": "PREDICTION_DTYPE",
    }
