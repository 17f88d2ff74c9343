"""One training from config to model file: claimed folder, resume, choice, export, final score."""

from __future__ import annotations

import shutil
from functools import partial
from typing import Any

from mmengine.runner import Runner

from landcover.classes.scheme_file import manifest_input
from landcover.errors import InputError
from landcover.images.modality import parts_of
from landcover.model_cards.write_card import has_card, write_card
from landcover.networks.model_file import MODEL_NAME, load_model
from landcover.processes.group import Processes
from landcover.run_files.atomic import atomic_path, write_json, write_text
from landcover.run_files.filling import filling
from landcover.run_files.manifest import OutputFolder, digest_all, digest_text
from landcover.run_files.training_log import CONFIG_NAME, LOG_NAME, METRICS_NAME, read_log
from landcover.training.candidates import best_line, check_rule, further_path
from landcover.training.checkpoints import saved_checkpoints
from landcover.training.export import export_model
from landcover.training.free_training import end_loading, free_training
from landcover.training.runner import build_runner
from landcover.training.training import Training
from landcover.training.validation_hook import VALIDATION_MIOU, validate


def train_model(training: Training, processes: Processes) -> bool:
    """Trains, or goes on training, until `model.pth`, its manifest and its card exist.

    Returns:
        False if the same training was complete before.

    Raises:
        InputError: the folder holds another training, the config does not build, nothing is logged by which `choose`
            of the config could choose, the loss is no longer finite.
    """
    output = _output(training, processes)
    with filling(output, processes) as folder:
        if folder.nothing_to_do:
            if processes.first and not has_card(training.folder):
                write_card(training.folder)  # trained before there were cards, or killed between model and card
            return False
        if processes.first:
            write_text(training.folder / CONFIG_NAME, training.config.pretty_text)
        try:
            check_rule(training.config.choose, training.evaluations, training.name)
            chosen = _trained(training, processes)
        except InputError:
            if processes.first and not saved_checkpoints(training.work_dir):
                output.release()  # corrected data or a corrected config are other inputs
            raise
        free_training()
        scores = _scores(training, processes)
        if processes.first and scores is not None:
            write_json(training.folder / METRICS_NAME, {**scores, "chosen": chosen})
        files = [training.folder / name for name in (MODEL_NAME, LOG_NAME, METRICS_NAME, CONFIG_NAME)]
        files += [further_path(files[0], export.name) for export in training.further_exports]
        folder.files = [path for path in files if path.exists()]
        folder.about = training.origins.record()
    if processes.first:
        write_card(training.folder)
        shutil.rmtree(training.work_dir, ignore_errors=True)
    return True


def is_trained(training: Training, processes: Processes) -> bool:
    """Whether the same training is complete; changes nothing.

    Raises:
        InputError: the folder holds another training.
    """
    return _output(training, processes).complete


def _output(training: Training, processes: Processes) -> OutputFolder:
    return OutputFolder(
        training.folder,
        made_by={
            "stage": training.stage,
            "model": training.name,
            "config": digest_text(training.config.pretty_text),
            "iterations": training.config.iterations,
            "seed": training.seed,
            "processes": processes.world,
        },
        inputs=partial(_inputs, training),
        while_unfinished=("processes",),
    )


def _trained(training: Training, processes: Processes) -> dict[str, Any] | None:
    """Trains and writes the model file; returns what `_export` does in the first process."""
    runner = build_runner(training, processes)
    try:
        runner.train()
    finally:
        end_loading(runner)
    chosen = _export(training, runner) if processes.first else None
    processes.barrier()
    return chosen


def _inputs(training: Training) -> dict[str, str]:
    """Digests of what the model depends on: the validation tiles too if they choose it."""
    inputs, validation = {**training.inputs(), **manifest_input(training.scheme)}, training.validation
    if validation is not None and training.config.choose == VALIDATION_MIOU:
        inputs["validation"] = digest_all(
            [path for tile in validation.tiles for path in (*parts_of(tile.image), tile.labels) if path]
        )
    return inputs


def _export(training: Training, runner: Runner) -> dict[str, Any]:
    """Writes the model file; returns the rule that chose it, its iteration and what was logged of that."""
    rule, iteration, candidates = training.config.choose, training.config.iterations, training.candidates
    lines, path = read_log(training.folder / LOG_NAME), training.folder / MODEL_NAME
    if candidates is None:
        export_model(training, getattr(runner.model, "module", runner.model), path)
    else:
        best = best_line(lines, rule)
        assert best is not None, "the last iteration was evaluated"
        iteration = round(best["iteration"])
        chosen = candidates.path(iteration)
        further = [(further_path(chosen, name), further_path(path, name)) for name in candidates.further]
        for source, target in (*further, (chosen, path)):
            with atomic_path(target) as temporary:
                shutil.copyfile(source, temporary)
        of = f"iteration {iteration} of {training.config.iterations}"
        print(f"{training.name}: chose {of} by {rule} ({best[rule]:.3f})", flush=True)
    names = [name for evaluation in training.evaluations for name in evaluation.names]
    of_it = [line for line in lines if line["iteration"] == iteration]
    return {"rule": rule, "iteration": iteration, **{n: line[n] for line in of_it for n in names if n in line}}


def _scores(training: Training, processes: Processes) -> dict[str, object] | None:
    """Scores of the model file on the validation tiles, if there are any."""
    if training.validation is None:
        return None
    model, info = load_model(training.folder / MODEL_NAME, processes.device)
    matrix = validate(model, training.validation, training.modality, info.window, processes)
    return matrix.summary(training.validation.labels)
