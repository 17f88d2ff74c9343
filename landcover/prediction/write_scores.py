"""Score files of one trained model for many images, resumable and shared out over processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.images.grid import Georeference, read_georeference
from landcover.images.modality import ImageFile, main_file, parts_of, read_whole
from landcover.networks.engines import Engine
from landcover.networks.model_file import ModelInfo
from landcover.prediction.image_check import ImageCheck
from landcover.prediction.merging import Weighting
from landcover.prediction.model_files import load_any_model, read_any_info
from landcover.prediction.sliding_window import PredictionDtype, SlidingWindow, predict_probabilities
from landcover.prediction.views import Flip, make_views
from landcover.processes.group import Processes
from landcover.processes.shared_work import on_demand
from landcover.run_files.filling import filling
from landcover.run_files.manifest import OutputFolder, digest, digest_all
from landcover.score_files.score_file import (
    DEFAULT_LOG_RANGE,
    Encoding,
    ScoreFile,
    ScoreHeader,
    encode,
    read_scores,
    write_scores,
)


@dataclass(frozen=True)
class PredictionSettings:
    """How a model looks at whole images.

    Args:
        scales: scales of the test-time views.
        flips: flips of the test-time views; each is combined with each scale.
        stride: step between windows as a share of the window.
        encoding: of the score files.
        weighting: of overlapping windows.
        dtype: in which the network runs.
        batch: windows predicted at once; None leaves it to the device.
        engine: what runs exported models; None for ONNX Runtime, and for trained models, which torch runs.
    """

    scales: tuple[float, ...] = (1.0,)
    flips: tuple[Flip, ...] = ("none",)
    stride: float = 0.5
    encoding: Encoding = "logit"
    weighting: Weighting = "uniform"
    dtype: PredictionDtype = "fp32"
    batch: int | None = None
    engine: Engine | None = None

    def of_probabilities(self) -> dict[str, Any]:
        """What changes a model's probabilities, as JSON values for manifests."""
        always = {name: getattr(self, name) for name in ("scales", "flips", "stride", "weighting", "dtype")}
        return {**always, **({"engine": self.engine} if self.engine else {})}

    def sliding_window(self, window: int) -> SlidingWindow:
        """The views with a window of `window` pixels."""
        return SlidingWindow(
            window,
            stride=max(1, round(window * self.stride)),
            views=make_views(self.scales, self.flips),
            weighting=self.weighting,
            dtype=self.dtype,
            batch=self.batch,
        )


def write_score_folder(
    model_path: Path,
    images: Mapping[str, ImageFile],
    folder: Path,
    settings: PredictionSettings,
    processes: Processes,
    check: ImageCheck | None = None,
) -> bool:
    """Predicts every image of `images` that has no score file in `folder` yet.

    Args:
        model_path: file of a trained or an exported model.
        images: image files of the model's modality by stem, the name of their score file.
        folder: receives `<stem>.tif` for each image and a manifest.
        settings: views, stride, encoding.
        processes: those that share the work; the first one writes the manifest.
        check: looks at the images of several calls, and is finished by the caller; None looks at those of this one.

    Returns:
        False if the folder was complete before.

    Raises:
        InputError: no images, an unreadable image or model, SAR images in another unit than the model's, or a folder
            made from other inputs.
    """
    if not images:
        raise InputError(f"{folder}: expected images to predict, found none; check the data root")
    info = read_any_info(model_path)
    output = OutputFolder(
        folder,
        made_by={
            "stage": "scores",
            "model": info.name,
            "encoding": settings.encoding,
            **settings.of_probabilities(),
        },
        inputs=lambda: {
            "model": digest(model_path),
            "images": digest_all(path for stem in sorted(images) for path in parts_of(images[stem])),
        },
    )
    with filling(output, processes) as state:
        if state.nothing_to_do:
            return False
        files = {stem: folder / f"{stem}.tif" for stem in sorted(images)}
        own = ImageCheck(processes)
        _predict(images, files, model_path, settings, processes, check or own)
        own.finish()
        state.files = files.values()
    return True


def write_probabilities(
    path: Path,
    probabilities: NDArray[np.float32],
    info: ModelInfo,
    encoding: Encoding,
    georeference: Georeference,
    no_data: NDArray[np.bool_] | None = None,
) -> None:
    """Writes one score file.

    Args:
        path: file to write.
        probabilities: float32 (C, H, W), 0..1.
        info: of the model.
        encoding: of the file.
        georeference: of the image.
        no_data: bool (H, W), where the image has none; None if that is not known.
    """
    classes, height, width = probabilities.shape
    scheme = info.scheme
    header = ScoreHeader(info.name, scheme.name, encoding, DEFAULT_LOG_RANGE, height, width, classes, scheme)
    write_scores(path, encode(probabilities, encoding, DEFAULT_LOG_RANGE), header, georeference, no_data)


def _predict(
    images: Mapping[str, ImageFile],
    files: Mapping[str, Path],
    model_path: Path,
    settings: PredictionSettings,
    processes: Processes,
    check: ImageCheck,
) -> None:
    model, info = load_any_model(model_path, processes.device, settings.engine)
    window = settings.sliding_window(info.window)
    waiting = processes.unfinished(list(files), lambda stem: _is_whole(files[stem]))
    for stem in on_demand(waiting, f"{info.name}: predicting", len(files), processes):
        image, no_data = read_whole(images[stem], info.modality, info.bands, info.sar_type)
        check.check(image, no_data, images[stem], model, info)
        probabilities = predict_probabilities(model, image, window, processes.device).cpu().numpy()
        georeference = read_georeference(main_file(images[stem]))
        write_probabilities(files[stem], probabilities, info, settings.encoding, georeference, no_data)


def _is_whole(path: Path) -> bool:
    """Whether an earlier call has finished this score file; a machine that went down may leave one without its end."""
    try:
        read_scores(path)
        ScoreFile(path).no_data()
    except InputError:
        return False
    return True
