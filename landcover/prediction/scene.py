"""Land-cover maps of whole SAR scenes, of any size, in memory that does not depend on the size."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import torch
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from landcover.classes import ClassScheme
from landcover.errors import InputError
from landcover.images.modality import Image
from landcover.images.raster import TILE
from landcover.images.source import RasterSource
from landcover.prediction.blending import RollingSums
from landcover.prediction.cloud_optimised import Layer, label_layer, read_tag, write_cloud_optimised
from landcover.prediction.map_parts import Part, PartsFolder, cut_into_parts, differences, longest_run, runs
from landcover.prediction.model_files import common_reading, load_any_model
from landcover.prediction.optical_scene import open_optical_scene
from landcover.prediction.sar_scene import open_scene, warn_of_place
from landcover.prediction.scene_models import Load, SceneModel, SceneSettings, load_scene_models
from landcover.prediction.scene_no_data import write_no_data_mask
from landcover.prediction.sliding_window import predict_probabilities
from landcover.processes.group import Processes
from landcover.processes.progress import Progress
from landcover.run_files.manifest import digest
from landcover.run_files.writable import check_file

STRIP_WINDOWS = 16
"""Width of the strips in which wide scenes are mapped, in windows.

Windows between two strips are predicted twice: one column in 16. The sums of a strip take 134 MB with windows of 512
and 8 classes, 537 MB with 1024.
"""

CACHE_BYTES = 2**26
"""What GDAL may keep of files, so that overlapping windows are decoded once. Its default grows with the machine."""

NO_CONFIDENCE = 255
"""Value of a confidence map where there is no data; elsewhere it is 0..100."""

MADE_FROM = "LANDCOVER_MADE_FROM"
"""Tag that tells what a map was made from."""

LABELS, CONFIDENCE = "labels", "confidence"


def map_scene(
    scene_path: Path,
    model_paths: Sequence[Path],
    out: Path,
    settings: SceneSettings,
    processes: Processes,
    confidence: Path | None = None,
    optical_path: Path | None = None,
    load: Load = load_any_model,
    quiet: bool = False,
) -> bool:
    """Maps a SAR scene: labels on its grid, as a cloud-optimised GeoTIFF, and on request how sure they are.

    Every window is predicted alone, in all flips; the probabilities of all windows and models are averaged with the
    weights of `blending_weights` and the best class is taken. (`predict_probabilities` averages the logits of
    windows. Probabilities need one set of sums for all models and flips, whose windows may differ in size.) There are
    no test-time scales: a scaled window would show the network another surrounding. A speckle filter sees the window
    alone as well, so its outermost pixels, which count least, are filtered with reflected neighbours.

    No data, by the rule of `landcover.images.no_data`, is written as 0. Windows without any data are not predicted.

    Finished parts lie in `<out>.parts/` until the map is complete, so that a killed run goes on there; a map that
    exists already is left alone if it was made from the same scene, models and settings. Whether in one go, after a
    kill, or by several processes that share the parts: the bytes are the same.

    Args:
        scene_path: SAR with the bands that the models read, in any format of GDAL. A scene that is stored as one
            compressed block is decoded at once, whatever its size.
        model_paths: files of trained or exported SAR models with one class scheme; their probabilities are averaged.
        out: map to write: uint8 labels with colours and class names, 0 where there is no data.
        settings: flips, stride, dtype, engine.
        processes: those that share the work; the first one puts the map together.
        confidence: second map to write: the mean probability of the label in percent, 255 where there is no data.
        optical_path: optical image on the grid of the scene, for models that read both.
        load: gives the network of a model file and its `ModelInfo`; one that remembers them serves many scenes.
        quiet: no progress of windows.

    Returns:
        False if the map was there.

    Raises:
        InputError: a scene or model that can not be used, an output of other inputs, or a disk that is full.
    """
    _check_outputs(out, confidence, (scene_path, optical_path, *model_paths))
    with (
        rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES),
        open_scene(scene_path, *common_reading(model_paths)) as scene,
        open_optical_scene(optical_path, scene_path) if optical_path else nullcontext() as optical,
    ):
        models, scheme = load_scene_models(model_paths, scene, settings, processes, optical is not None, load)
        outputs = {LABELS: out} if confidence is None else {LABELS: out, CONFIDENCE: confidence}
        work = _Work(scene, optical, models, scheme, outputs, processes, quiet or not processes.first)
        made_from: dict[str, Any] = {}
        if processes.first:  # the others ask nothing
            model_digests = [digest(path) for path in model_paths]
            made_from = {"scene": digest(scene_path), "models": model_digests, **asdict(settings)}
            if optical_path:
                made_from["optical"] = digest(optical_path)
        try:
            return work.run(made_from)
        except OSError as error:
            reason = error.strerror or str(error.__cause__ or error).splitlines()[0]
            raise InputError(
                f"{out}: could not be written ({reason}); make room or choose another place, and run it again"
            ) from error


class _Work:
    """The map of one scene, while it is made."""

    def __init__(
        self,
        scene: RasterSource,
        optical: RasterSource | None,
        models: Sequence[SceneModel],
        scheme: ClassScheme,
        outputs: Mapping[str, Path],
        processes: Processes,
        quiet: bool,
    ) -> None:
        self._scene, self._optical, self._models, self._scheme = scene, optical, models, scheme
        self._outputs, self._processes, self._quiet = outputs, processes, quiet
        folder = outputs[LABELS].with_name(f"{outputs[LABELS].name}.parts")
        self._folder = PartsFolder(folder, sorted(outputs))
        self._mask_path = folder / "no_data.tif"
        strip = STRIP_WINDOWS * max(model.window.window for model in models)
        self._parts = cut_into_parts(scene.grid.height, scene.grid.width, -(-strip // TILE) * TILE)

    def run(self, made_from: Mapping[str, Any]) -> bool:
        """Makes what is missing; False if nothing is."""
        complete = self._begin(made_from) if self._processes.first else False
        self._processes.barrier()
        if self._processes.any(complete):
            return False
        waiting = self._processes.unfinished(self._parts, self._folder.is_finished)
        self._map_parts(runs(waiting, longest_run(len(waiting), self._processes.world)))
        self._processes.barrier()
        if self._processes.first:
            self._assemble(json.dumps(made_from))
            self._folder.remove()
        self._processes.barrier()
        return True

    def _begin(self, made_from: Mapping[str, Any]) -> bool:
        """Whether all outputs are there; otherwise claims the folder and finds the no-data areas."""
        for path in self._outputs.values():
            changed = differences(read_tag(path, MADE_FROM), made_from) if path.exists() else ""
            if changed:
                raise InputError(
                    f"{path}: expected no file, or a map of the same inputs, found another one ({changed}); "
                    "choose another output, or delete this one if nobody needs it"
                )
        if all(path.exists() for path in self._outputs.values()):
            if self._folder.folder.exists():  # killed at the very end, or another command is about to remove it
                self._folder.lock()
                self._folder.remove()
            return True
        warn_of_place(self._scene)
        self._folder.begin(made_from)
        if not self._mask_path.exists():
            reads_optical = any(model.modality != "sar" for model in self._models)
            images = [self._scene, self._optical] if self._optical and reads_optical else [self._scene]
            write_no_data_mask(images, self._mask_path)
        return False

    def _map_parts(self, bands: Sequence[Sequence[Part]]) -> None:
        windows = [sum(1 for _ in self._windows(*_extent(band))) for band in bands]
        progress = Progress(f"{self._scene.path.name}: windows", sum(windows), quiet=self._quiet)
        with closing(progress), rasterio.open(self._mask_path) as mask:
            for position, band in self._processes.on_demand(bands):
                progress.reach(sum(windows[:position]))  # the others have begun those
                heights = [part.rows.stop - part.rows.start for part in band]
                images = _regrouped(self._finished_rows(*_extent(band), mask, progress), heights)
                for part, (labels, scores) in zip(band, images, strict=True):
                    self._write_part(part, labels, scores, _read_mask(mask, part.rows, part.columns))
            progress.reach(sum(windows))

    @torch.inference_mode()
    def _finished_rows(
        self, rows: slice, columns: slice, mask: DatasetReader, progress: Progress
    ) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
        """Class index and summed score of some rows after the other, as soon as no window below reaches them."""
        device, height = self._processes.device, max(model.window.window for model in self._models)
        sums = RollingSums(self._scheme.num_classes, min(height, self._scene.grid.height), columns, rows.start, device)
        done = rows.start
        for top, left, model in self._windows(rows, columns):
            if top > done:
                yield sums.take(top - done)
                done = top
            self._add_window(sums, top, left, model, mask)
            progress.advance()
        yield sums.take(rows.stop - done)

    def _windows(self, rows: slice, columns: slice) -> Iterator[tuple[int, int, SceneModel]]:
        """First row, first column and model of all windows that reach into an area, from top to bottom.

        The order of the windows over a pixel does not depend on the area, and so neither do its sums.
        """
        tops = [
            (top, number)
            for number, model in enumerate(self._models)
            for top, weights in model.rows.items()
            if top < rows.stop and top + len(weights) > rows.start
        ]
        for top, number in sorted(tops):
            model = self._models[number]
            for left, weights in model.columns.items():
                if left < columns.stop and left + len(weights) > columns.start:
                    yield top, left, model

    def _add_window(self, sums: RollingSums, top: int, left: int, model: SceneModel, mask: DatasetReader) -> None:
        weights = np.outer(model.rows[top], model.columns[left])
        area = slice(top, top + weights.shape[0]), slice(left, left + weights.shape[1])
        if _read_mask(mask, *area).all():
            return
        device = self._processes.device
        values = self._scene.read(area).pixels
        image: Image = values
        if model.modality != "sar":
            assert self._optical is not None, "load_scene_models has looked"
            image = {"optical": self._optical.read(area).pixels, "sar": values}
        scores = predict_probabilities(model.network, image, model.window, device)
        sums.add(top, left, scores, torch.from_numpy(weights).to(device))

    def _write_part(
        self, part: Part, indices: NDArray[np.uint8], scores: NDArray[np.float32], no_data: NDArray[np.bool_]
    ) -> None:
        labels = self._scheme.to_labels(indices)
        labels[no_data] = 0
        images = {LABELS: labels}
        if CONFIDENCE in self._outputs:
            percent = np.rint(scores * np.float32(100 / len(self._models))).clip(0, 100).astype(np.uint8)
            percent[no_data] = NO_CONFIDENCE
            images[CONFIDENCE] = percent
        self._folder.write(part, images)

    def _assemble(self, made_from: str) -> None:
        tags = {MADE_FROM: made_from}
        layers = {
            LABELS: label_layer(self._scheme, tags),
            CONFIDENCE: Layer("confidence in percent", NO_CONFIDENCE, "average", tags=tags),
        }
        for kind, path in sorted(self._outputs.items()):  # the labels come last: with them the map is complete
            blocks = partial(self._folder.blocks, self._parts, kind)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_cloud_optimised(path, self._scene.grid, layers[kind], blocks, self._folder.folder / "assembly")


def _check_outputs(out: Path, confidence: Path | None, inputs: Sequence[Path | None]) -> None:
    for path, setting in ((out, "--out"), (confidence, "--confidence")):
        if path is None:
            continue
        if path.suffix.lower() not in (".tif", ".tiff"):
            raise InputError(f"{path}: expected a file name that ends in .tif, found {path.suffix!r}; change it")
        check_file(path, setting, inputs)
    if confidence is not None and confidence.resolve() == out.resolve():
        raise InputError(f"{confidence}: expected another file than the map, found the same; change one of them")


def _extent(band: Sequence[Part]) -> tuple[slice, slice]:
    """Rows and columns of parts that follow each other."""
    return slice(band[0].rows.start, band[-1].rows.stop), band[0].columns


def _regrouped(
    pieces: Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]], heights: Sequence[int]
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
    """The same rows in pieces of the given heights."""
    held = [next(pieces)]
    for height in heights:
        while sum(len(labels) for labels, _ in held) < height:
            held.append(next(pieces))
        labels, scores = (np.concatenate(arrays) for arrays in zip(*held, strict=True))
        yield labels[:height], scores[:height]
        held = [(labels[height:], scores[height:])]


def _read_mask(mask: DatasetReader, rows: slice, columns: slice) -> NDArray[np.bool_]:
    return mask.read(1, window=Window.from_slices(rows, columns)).view(bool)
