"""Score files of one trained model for many images, resumable and shared out over processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.manifest import OutputFolder, digest, digest_all
from landcover.model_file import load_model, read_model_info
from landcover.prediction.sliding_window import SlidingWindow, predict_probabilities
from landcover.prediction.views import Flip, make_views
from landcover.processes import Processes
from landcover.progress import track
from landcover.raster import read_georeference, read_optical, read_sar
from landcover.score_file import DEFAULT_LOG_RANGE, Encoding, ScoreHeader, encode, write_scores

READERS: Mapping[str, Callable[[Path], NDArray[Any]]] = {"optical": read_optical, "sar": read_sar}


@dataclass(frozen=True)
class PredictionSettings:
    """How a model looks at whole images.

    Args:
        scales: scales of the test-time views.
        flips: flips of the test-time views; each is combined with each scale.
        stride: step between windows as a share of the window.
        encoding: of the score files.
    """

    scales: tuple[float, ...] = (1.0,)
    flips: tuple[Flip, ...] = ("none",)
    stride: float = 0.5
    encoding: Encoding = "logit"

    def sliding_window(self, window: int) -> SlidingWindow:
        """The views with a window of `window` pixels."""
        return SlidingWindow(window, max(1, round(window * self.stride)), make_views(self.scales, self.flips))


def write_score_folder(
    model_path: Path, images: Mapping[str, Path], folder: Path, settings: PredictionSettings, processes: Processes
) -> bool:
    """Predicts every image of `images` that has no score file in `folder` yet.

    Args:
        model_path: file of `landcover.model_file`.
        images: image files by stem, the name of their score file.
        folder: receives `<stem>.tif` for each image and a manifest.
        settings: views, stride, encoding.
        processes: those that share the work; the first one writes the manifest.

    Returns:
        False if the folder was complete before.

    Raises:
        InputError: no images, an unreadable image or model, or a folder made from other inputs.
    """
    if not images:
        raise InputError(f"{folder}: expected images to predict, found none; check the data root")
    info = read_model_info(model_path)
    output = OutputFolder(
        folder,
        made_by={
            "stage": "scores",
            "model": info.name,
            "encoding": settings.encoding,
            "scales": settings.scales,
            "flips": settings.flips,
            "stride": settings.stride,
        },
        inputs={"model": digest(model_path), "images": digest_all(images[stem] for stem in sorted(images))},
    )
    complete = output.begin() if processes.first else False
    processes.barrier()
    if processes.any(complete):
        return False
    files = {stem: folder / f"{stem}.tif" for stem in sorted(images)}
    _predict({stem: images[stem] for stem in files}, files, model_path, settings, processes)
    processes.barrier()
    if processes.first:
        output.finish(files.values())
    processes.barrier()
    return True


def _predict(
    images: Mapping[str, Path],
    files: Mapping[str, Path],
    model_path: Path,
    settings: PredictionSettings,
    processes: Processes,
) -> None:
    model, info = load_model(model_path, processes.device)
    window = settings.sliding_window(info.window)
    stems = processes.share(list(files))
    waiting = [stem for stem in stems if not files[stem].exists()]
    done = len(stems) - len(waiting)
    for stem in track(waiting, f"{info.name}: predicting", len(stems), start=done, quiet=not processes.first):
        image = READERS[info.modality](images[stem])
        probabilities = predict_probabilities(model, image, window, processes.device).cpu().numpy()
        codes = encode(probabilities, settings.encoding, DEFAULT_LOG_RANGE)
        header = ScoreHeader(
            model=info.name,
            scheme=info.scheme,
            encoding=settings.encoding,
            log_range=DEFAULT_LOG_RANGE,
            height=codes.shape[1],
            width=codes.shape[2],
            classes=codes.shape[0],
        )
        write_scores(files[stem], codes, header, read_georeference(images[stem]))
