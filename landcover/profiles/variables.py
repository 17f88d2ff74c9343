"""The variables of a profile: what each holds, its default, and the stages that read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "path", "count", "words", "paths", "configs"]
"""One text; one file or folder; a whole number; a list of words; of files or folders; of configs named from the
repository's root."""


@dataclass(frozen=True)
class Variable:
    """One variable.

    Attributes:
        name: in profiles and in the environment.
        stages: numbers of the stages that read it, separated by spaces.
        help: one line.
        kind: what a value is.
        default: value where profile and environment give none or an empty one. `$NAME` is the value of another
            variable; for the names in `landcover.profiles.defaults.COMPUTED` it is a description.
        required: whether every profile needs a value; there is no default then.
        choices: the values there are; empty where the stage's own command checks them.
    """

    name: str
    stages: str
    help: str
    kind: Kind = "text"
    default: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()

    @property
    def is_list(self) -> bool:
        """Whether a value is a list of words."""
        return self.kind in ("words", "paths", "configs")


VARIABLES = (
    Variable("OEM_ROOT", "00 10", "OpenEarthMap: labelled optical tiles", "path", required=True),
    Variable("DFC_ROOT", "00 10 20 21 22 30 40 50", "DFC2025 Track 1: optical and SAR tiles", "path", required=True),
    Variable(
        "TRUTH_ROOT", "20 21 22 30 50", "<split>/labels of manual labels, to score against", "path", default="$DFC_ROOT"
    ),
    Variable("RUN_DIR", "00 10 20 21 22 30 40 50", "the run: everything is written here", "path", required=True),
    Variable(
        "CLASSES",
        "00 10 20 21 22 30 50",
        "class scheme: file, or name in configs/classes",
        "path",
        default="openearthmap",
    ),
    Variable("LABEL_VALUES", "00 10 20 21 22 30 50", "how label files tell classes: 255:0, +1, colours, one-hot"),
    Variable(
        "SOURCE_DATA",
        "10",
        "of OEM_ROOT: loveda-rural, loveda-urban, potsdam-irrg, potsdam-rgb, vaihingen-irrg",
        default="openearthmap",
    ),
    Variable(
        "TARGET_DATA",
        "10 20",
        "of DFC_ROOT: loveda-rural, loveda-urban, potsdam-irrg, potsdam-rgb, vaihingen-irrg",
        default="dfc2025",
    ),
    Variable("SOURCE_SPLITS", "10", "splits of the source that train teachers: train, val, test", "words", "train"),
    Variable("TEACHERS", "10 20 21 30 50", "configs of the teachers; a file names its model", "configs", required=True),
    Variable("SAR_MODELS", "30 40 50", "configs of the SAR models", "configs", required=True),
    Variable("PUBLISHED_MODELS", "30 40 50", "configs trained on the published labels too, to compare", "configs"),
    Variable("LABEL_SET", "20", "average of the teachers, or agreement: 0 where they differ", default="average"),
    Variable("AGREE_WITH", "20", "labels that must agree too: published, FOLDER or NAME=FOLDER", "paths"),
    Variable("REASSIGN", "21 22 30 50", "how stage 21 changes the labels: ot, sure_sar, or none", default="none"),
    Variable("REASSIGN_OPTIONS", "21", "key=value: replaces settings of that method", "words"),
    Variable("SAR_SCORES", "21", "for REASSIGN: scores of SAR models of an earlier run, train split", "path"),
    Variable("LABELS", "21 22 30 50", "label files to train on, instead of the run's pseudo-labels; or none", "path"),
    Variable("MANUAL_LABELS", "30 50", "manual label files of training tiles, in the place of LABELS there", "path"),
    Variable("LABELLED_TILES", "30", "which of these count: a share such as 1/8, or a file of names", "path", "1"),
    Variable(
        "REGISTER",
        "22 30 50",
        "how labels get onto SAR images: none, phase, descriptor, or model.pth of a matcher",
        "path",
        default="none",
    ),
    Variable("REGISTER_OPTIONS", "22", "key=value: replaces settings of the registration", "words"),
    Variable("HOLD_OUT", "30", "share of the training tiles to score on, such as 0.1"),
    Variable("HOLD_OUT_BY", "30", "how these are chosen: footprint, region, random or auto", default="auto"),
    Variable("ENSEMBLE", "50", "names of the SAR models that are averaged", "words", "all SAR_MODELS"),
    Variable("ENSEMBLE_WEIGHTS", "50", "file of `python -m ensemble.fit_weights`, instead of ENSEMBLE", "path"),
    Variable("AVERAGE", "50", "logits or probabilities; ENSEMBLE_WEIGHTS brings its own", default="logits"),
    Variable("QUICK_LOOKS", "50", "1 draws a picture of every test tile", default="0"),
    Variable("SCALES", "20 40", "scales of the test-time views", "words", "1"),
    Variable("FLIPS", "20 40", "flips of the test-time views: none horizontal vertical both", "words", "none"),
    Variable("STRIDE", "20 40", "step between windows as a share of the window", default="0.5"),
    Variable("WEIGHTING", "20 40", "of overlapping windows: uniform, or cosine: no seams", default="uniform"),
    Variable("PREDICTION_DTYPE", "20 40", "fp32, or bf16, in which only the network runs", default="fp32"),
    Variable("ENGINE", "20 40", "runs model.onnx instead of model.pth: onnxruntime, openvino"),
    Variable("SEED", "10 21 30", "seed of every training", default="0"),
    Variable("TEACHER_OPTIONS", "10", "key.key=value: replaces values of the teachers' configs", "words"),
    Variable("SAR_OPTIONS", "30", "key.key=value: replaces values of the SAR models' configs", "words"),
    Variable(
        "SAR_TRAINING",
        "30",
        "how SAR models train: sar, or multimodal: beside an optical branch",
        default="sar",
        choices=("sar", "multimodal"),
    ),
    Variable("PRETRAINED", "10 30", "1 starts from ImageNet weights, hub fetches missing ones, 0 none", default="1"),
    Variable("PRETRAINED_DIR", "10 30", "folder of the ImageNet weights", "path", default="$REPO_ROOT/pretrained"),
    Variable(
        "SAR_START",
        "30",
        "SAR models start from: none, teachers of the same network, model.pth",
        "path",
        default="none",
    ),
    Variable(
        "PLUGINS",
        "10 20 21 22 30 40 50",
        "Python modules with parts, filters, matchers, networks; imported before configs",
        "words",
    ),
    Variable("DATA_SETS", "10 30", "what the data are, for model cards: names of configs/licences.toml", "words"),
    Variable(
        "TRACKER",
        "10 30",
        "shows curves, maps and settings of the trainings in tensorboard, mlflow or wandb",
        default="none",
        choices=("none", "tensorboard", "mlflow", "wandb"),
    ),
    Variable("JOBS", "10 30", "trainings at a time, each in a process of its own; on CPUs", "count", "1"),
    Variable("GPUS", "10 20 21 22 30 40", "processes, one per GPU", "count", "1"),
    Variable(
        "LAUNCHER",
        "10 20 21 22 30 40",
        "what starts them: torchrun or slurm",
        default="torchrun",
        choices=("torchrun", "slurm"),
    ),
    Variable(
        "SLURM_OPTIONS",
        "10 20 21 22 30 40",
        "of srun: partition, nodes, how GPUs are asked for",
        "words",
        "--gpus-per-task=1",
    ),
)
"""All variables, in the order of the help."""

NAMES = tuple(variable.name for variable in VARIABLES)
