"""Trains the SAR models of a profile on label files."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mmengine import Config

from landcover.classes import ClassScheme
from landcover.classes.arguments import class_scheme
from landcover.data_sets.class_statistics import warn_of_shifted_labels
from landcover.data_sets.dfc2025 import SarTile, dfc2025_tiles, truth_labels
from landcover.data_sets.hold_out import hold_out
from landcover.data_sets.training_tiles import TrainingTile
from landcover.errors import command
from landcover.model_cards.origins import (
    Origins,
    joined_weights,
    labels_told,
    own_weights,
    weights_of_labels,
    weights_of_start,
)
from landcover.processes.group import start_processes
from landcover.registry import register_all
from landcover.run_files.digest_cache import keep_digests
from landcover.training.arguments import add_training_arguments, as_asked, chosen_models
from landcover.training.band_statistics import BandStatistics, band_statistics
from landcover.training.config import load_config, network_to_train
from landcover.training.sar_bands import SarBands
from landcover.training.starting_point import starting_point
from landcover.training.summary import training_table
from landcover.training.tracking.trackers import check_tracker
from landcover.training.train_all import check_jobs, train_all
from landcover.training.training import Training
from landcover.training.validation_hook import ValidationTiles
from stage2_sar_seg.label_folder import published_labels
from stage2_sar_seg.multimodal.pair_tiles import training_pairs
from stage2_sar_seg.multimodal.pair_training import beside_optical, optical_branch
from stage2_sar_seg.sar_training import class_weights, sar_config, sar_training
from stage2_sar_seg.training_labels import TrainingLabels, add_label_arguments, check_split, chosen_labels

PUBLISHED = "published"

MODULE = "stage2_sar_seg.train_sar_models"


@command
def main() -> None:
    """Trains every config, in turn or `--jobs` at a time; finished ones are skipped, interrupted ones continued."""
    arguments = _arguments()
    scheme = class_scheme(arguments)
    register_all()
    processes = start_processes()
    check_jobs(arguments.jobs, processes)
    check_tracker(arguments.tracker)
    tells = processes.first and not arguments.one_of_many
    keep_digests(arguments.run_dir)
    jobs = _jobs(arguments, scheme)
    tiles = dfc2025_tiles(arguments.dfc_root, "train")
    label_sets = {
        published: TrainingLabels(published_labels(tiles, scheme))
        if published
        else chosen_labels(arguments, tiles, scheme)
        for published in dict.fromkeys(job.published for job in jobs)
    }
    if tells:
        for labels in label_sets.values():
            for folder, files in labels.files().items():
                warn_of_shifted_labels(files, scheme, f"{folder}: label files")
            for note in labels.notes():
                print(note, flush=True)
    kept, held_out = _split(tiles, arguments, tells)
    known: dict[str, BandStatistics] = {}

    def statistics(job: _Job, numbers: Sequence[int]) -> BandStatistics:
        sar = job.config.sar
        bands = SarBands.of(sar).read
        key = f"{sar.unit}, {sar.stretch}, {bands}, {numbers}"
        if key not in known:
            known[key] = band_statistics([tiles[n].sar for n in numbers], sar.unit, sar.stretch, bands)
            if tells:
                _tell_empty(known[key], len(numbers))
        return known[key]

    def training(job: _Job) -> Training:
        labels = label_sets[job.published]
        numbers = labels.labelled(kept)
        trained_on, held = (
            [replace(labels.tiles[n], image=tiles[n].image(job.config.modality)) for n in some]
            for some in (numbers, labels.labelled(held_out))
        )
        check_split(len(trained_on), len(held), len(held_out))
        found = statistics(job, numbers if arguments.multimodal is None else kept)
        config = sar_config(job.config, found, class_weights(job.config, trained_on, scheme))
        start = starting_point(job.name, config.model, arguments.start_from, arguments.start_must_fit)
        pretrained_dir = None if start else arguments.pretrained_dir
        network = network_to_train(config, pretrained_dir, arguments.fetch_pretrained)
        if arguments.start_from and tells:
            print(_start_line(job.name, start, config), flush=True)
        validation = _held_out_tiles(held, job, scheme) if held else _validation_tiles(arguments, job, scheme)
        alone = sar_training(
            job.name,
            config,
            network,
            trained_on,
            validation,
            arguments.run_dir / "sar_models" / job.name,
            arguments.seed,
            found.values,
            scheme,
            start,
            labels.manual_files(numbers),
        )
        learned = () if job.published else tuple(labels.files())
        alone = replace(alone, origins=_origins(job.name, config.pretrained, start, learned))
        if arguments.multimodal is None:
            return alone
        optical = optical_branch(job.config, config, arguments, scheme)
        pairs = training_pairs([tiles[n] for n in kept], [labels.tiles[n] for n in kept], config, arguments.dfc_root)
        if tells:
            print(f"{job.name}: {pairs}", flush=True)
        return beside_optical(alone, network, start, optical, pairs)

    # All are set up before the first one trains: what is wrong with the last is told at once.
    trainings = [training(job) for job in jobs]
    done = train_all(as_asked(trainings, arguments, MODULE), processes, arguments.jobs, MODULE)
    if tells:
        print(training_table(done, scheme), flush=True)


@dataclass(frozen=True)
class _Job:
    """One model: its name, its config, and whether the published labels train it instead of the given ones."""

    name: str
    config: Config
    published: bool


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stage2_sar_seg.train_sar_models", description=__doc__)
    add_training_arguments(parser)
    parser.add_argument(
        "--published",
        nargs="*",
        type=Path,
        default=[],
        metavar="CONFIG",
        help="configs to train on the published labels too, for comparison",
    )
    add_label_arguments(parser)
    parser.add_argument(
        "--start-from", nargs="*", type=Path, default=[], metavar="MODEL", help="start from the first that fits"
    )
    parser.add_argument("--start-must-fit", action="store_true", help="refuse a MODEL that does not fit")
    parser.add_argument(
        "--multimodal", type=Path, metavar="CONFIG", help="train beside an optical branch, with these settings"
    )
    parser.add_argument("--truth-root", type=Path, help="folder with val/labels for scores during training")
    parser.add_argument("--hold-out", type=float, metavar="SHARE", help="score on this share of the training tiles")
    parser.add_argument("--hold-out-by", default="auto", help="footprint, region, random or auto")
    return parser.parse_args()


def _jobs(arguments: argparse.Namespace, scheme: ClassScheme) -> list[_Job]:
    named = {path.stem: (path, False) for path in arguments.configs}
    named |= {f"{path.stem}_{PUBLISHED}": (path, True) for path in arguments.published}
    return [
        _Job(name, load_config(path, arguments.option, 2, scheme, arguments.multimodal), published)
        for name, (path, published) in chosen_models(named, arguments.only, "SAR_MODELS").items()
    ]


def _split(tiles: Sequence[SarTile], arguments: argparse.Namespace, tells: bool) -> tuple[Sequence[int], Sequence[int]]:
    """Positions of the tiles to train on and of those held out for validation."""
    if arguments.hold_out is None:
        return range(len(tiles)), ()
    held = hold_out([tile.sar for tile in tiles], arguments.hold_out, arguments.hold_out_by, arguments.seed)
    if tells:
        print(held.note, flush=True)
    return held.training, held.held_out


def _origins(name: str, pretrained: str | None, start: Path | None, labels: Sequence[Path]) -> Origins:
    """What the card of a model tells of its weights and labels; `labels` are their folders, none for published ones."""
    behind = [own_weights(name, pretrained), *map(weights_of_labels, labels)]
    if start is not None:
        behind.append(weights_of_start(start))
    told = ", ".join(map(labels_told, labels)) or "published with the data"
    return Origins(weights=joined_weights(behind), labels=told)


def _start_line(name: str, start: Path | None, config: Config) -> str:
    if start is not None:
        return f"{name}: starts from {start}"
    weights = "random weights" if config.pretrained is None else f"the pretrained weights {config.pretrained}"
    return f"{name}: no teacher has its network, starts from {weights}"


def _tell_empty(statistics: BandStatistics, count: int) -> None:
    if statistics.empty:
        names = ", ".join(path.stem for path in statistics.empty[:3])
        more = ", ..." if len(statistics.empty) > 3 else ""
        print(
            f"warning: {len(statistics.empty)} of {count} SAR tiles hold no data, nothing is learned from them: "
            f"{names}{more}",
            flush=True,
        )


def _held_out_tiles(tiles: Sequence[TrainingTile], job: _Job, scheme: ClassScheme) -> ValidationTiles:
    kind = "published labels" if job.published else "labels"
    told = f"{kind} of {len(tiles)} held-out train tiles"
    return ValidationTiles(tiles, told, SarBands.of(job.config.sar).read, scheme)


def _validation_tiles(arguments: argparse.Namespace, job: _Job, scheme: ClassScheme) -> ValidationTiles | None:
    labels = truth_labels(arguments.truth_root or arguments.dfc_root, "val")
    if not labels:
        return None
    tiles = [
        TrainingTile(tile.image(job.config.modality), labels[tile.name])
        for tile in dfc2025_tiles(arguments.dfc_root, "val")
        if tile.name in labels
    ]
    return ValidationTiles(tiles, "val labels", SarBands.of(job.config.sar).read, scheme) if tiles else None


if __name__ == "__main__":
    main()
