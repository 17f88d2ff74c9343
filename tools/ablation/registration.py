"""The study of registration: how well matchers find offsets, and what labels and SAR models gain by it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from landcover.classes import OPEN_EARTH_MAP
from landcover.demo_scenes.write import FINISHED as DEMO_FINISHED
from landcover.demo_scenes.write import write_demo
from landcover.images.grid import read_georeference
from landcover.images.label_file import write_labels
from landcover.labels.label_set import LabelSet, label_files
from landcover.training.config import load_config
from stage2_sar_seg.registration.label_transfer import transfer_labels
from stage2_sar_seg.registration.pairs.demo import demo_pairs
from tools.ablation.jobs import Command, Job
from tools.ablation.matching_methods import CONFIG, METHODS, Method
from tools.ablation.registration_tables import Patches, registration_sections
from tools.ablation.scored_tiles import link_scored_tiles, scored_truth
from tools.ablation.stage1 import PRETRAINED
from tools.ablation.stage2 import DEFAULT
from tools.ablation.steps import pipeline_variables, run_steps
from tools.ablation.study import Model, Part, Row, Study, Views

TEST_SEED = 1
"""Of the scenes on which matchers are compared: none has been trained, and no setting chosen, on them."""

OF_MODELS = ("descriptor",)
"""Methods whose labels SAR models learn: the one that needs no training."""

ABOUT = """\
Matchers find where a SAR patch lies in an optical window: phase correlation of gradients, a dense descriptor of
orientations, and S2M2-SAR (Gai and Li 2025, https://arxiv.org/abs/2508.07812) in the small size of
`configs/registration/s2m2_demo.py`, trained on the 40 training pairs of the demo scenes (seed 0), whose offsets are
known: with those of one pair in sixteen, alone or beside the other pairs without theirs, and with all. Patches on which
they are compared come from scenes of seed 1; settings of the matchers without weights were chosen on scenes of seed 0.
Then stage 22 moves the demo's pseudo-labels (seed 0) with each of them, and SAR models learn from labels as they are,
registered by the descriptor, and moved by the known offsets. Pairs are 1 to 3 pixels off, and layover, which no shift
undoes, comes on top."""


def registration_study(
    data: Path, folder: Path, iterations: int | None = None, real_pairs: Sequence[tuple[str, Path]] = ()
) -> Study:
    """Matchers, labels and SAR models on demo scenes.

    Args:
        data: folder of the demo scenes.
        folder: of the study's runs; our labels are shared with the study of stage 2 beside it.
        iterations: length of every training; None leaves it to the configs.
        real_pairs: titles and folders of co-registered pairs in the layout of the contest, on which matchers are
            compared too.
    """
    pairs, labels = data / "DFC2025Track1", folder.parent / "stage2" / "labels"
    patch_sets = [
        Patches("demo", "the demo's test scenes", "demo", folder / "test_data", patch=96, search=16, count=256),
        *(
            Patches(f"real_{number}", title, "dfc2025", root, patch=192, search=12, count=64)
            for number, (title, root) in enumerate(real_pairs)
        ),
    ]
    label_folders = {
        "as_they_are": ("as they are", labels / "pseudo_labels"),
        **{
            method.name: (f"registered by the {method.title}", method.place(folder, 0) / "registered_labels")
            for method in METHODS
            if method.name in OF_MODELS
        },
        "known": ("moved by the known offsets", folder / "known_offsets"),
    }

    def row(name: str, title: str, of: Path) -> Row:
        roots = ("--pretrained-dir", str(PRETRAINED), "--dfc-root", str(pairs), "--labels", str(of))
        lengthened = (f"iterations={iterations}",) if iterations else ()
        model = Model(f"sar_{name}", "stage2_sar_seg.train_sar_models", DEFAULT, lengthened, roots, "sar_models")
        group = f"SAR models, {DEFAULT.stem}"
        return Row(name, f"labels {title}", (Part((model,), tuple(truth)),), Views("one_view"), group=group)

    truth = scored_truth(data)
    jobs = partial(_jobs, data, folder, labels / "pseudo_labels", patch_sets, iterations)
    return Study(
        name="registration",
        title="Registration: matchers, labels and SAR models",
        about=ABOUT,
        prepare=partial(_prepare, data, folder, labels),
        rows=tuple(row(name, *value) for name, value in label_folders.items()),
        images=folder / "tiles",
        truth=truth,
        labels=f"truth of the {len(truth)} val and test tiles",
        first_jobs=jobs,
        sections=partial(registration_sections, data, folder, labels / "pseudo_labels", METHODS, patch_sets),
    )


def _prepare(data: Path, folder: Path, labels: Path) -> None:
    """Writes test scenes, our labels as the demo profile does, and these moved by the known offsets."""
    link_scored_tiles(data, folder / "tiles")
    write_demo(folder / "test_data", seed=TEST_SEED)
    variables = pipeline_variables(data, labels)
    run_steps(
        labels,
        (variables, ["bash", "tools/10_train_teachers.sh"]),
        (variables, ["bash", "tools/20_write_pseudo_labels.sh"]),
    )
    before = LabelSet("ours", label_files(labels / "pseudo_labels", ""))
    for pair in demo_pairs(data):
        (rows, columns), file = pair.offset, folder / "known_offsets" / f"{pair.name}.tif"
        moved = transfer_labels(before.read(pair.name), ((1, 0, rows), (0, 1, columns)))
        write_labels(file, moved, OPEN_EARTH_MAP, read_georeference(pair.sar))


def _jobs(
    data: Path,
    folder: Path,
    labels: Path,
    patch_sets: Sequence[Patches],
    iterations: int | None,
    seeds: Sequence[int],
) -> list[Job]:
    """Of every matcher and seed: its training, its scores on patches, its registered labels."""
    made_from = "\n".join((root / DEMO_FINISHED).read_text(encoding="utf-8") for root in (data, folder / "test_data"))
    jobs = []
    for seed in seeds:
        for method in [method for method in METHODS if seed in method.seeds(seeds)]:
            place, name = method.place(folder, seed), method.matcher(folder, seed)
            training = [_training(method, data, place, seed, iterations)] if method.labelled else []
            told = f"{method.name}, seed {seed}" if method.labelled else method.name
            config = load_config(CONFIG, method.options, stage="registration").pretty_text if method.labelled else ""
            commands = [*training, *(_scores(name, patches, place) for patches in patch_sets)]
            commands.append(_registration(name, data, labels, place))
            jobs.append(Job(told, place, tuple(commands), f"{made_from}\n{config}"))
    return jobs


def _training(method: Method, data: Path, place: Path, seed: int, iterations: int | None) -> Command:
    options = [*method.options, *([f"iterations={iterations}"] if iterations else [])]
    words = ["stage2_sar_seg.registration.train", str(CONFIG), "--pairs", "demo", "--root", str(data)]
    words += ["--labelled", str(method.labelled), "--run-dir", str(place), "--seed", str(seed)]
    words += [word for option in options for word in ("--option", option)]
    return Command("training", tuple(words), place / "matchers" / CONFIG.stem)


def _scores(name: str, patches: Patches, place: Path) -> Command:
    words = ["tools.ablation.match_patches", "--matcher", name, *patches.arguments(), "--out", str(patches.out(place))]
    return Command("prediction", tuple(words), patches.out(place))


def _registration(name: str, data: Path, labels: Path, place: Path) -> Command:
    words = ["stage2_sar_seg.register_labels", "--method", name, "--labels", str(labels), "--run-dir", str(place)]
    words += ["--dfc-root", str(data / "DFC2025Track1"), "--truth-root", str(data / "truth")]
    return Command("prediction", tuple(words), place / "registered_labels")
