"""The outcome of a run in one sentence and a few numbers."""

from __future__ import annotations

from landcover.report.collect import Run
from landcover.report.markup import counted, percent, text
from landcover.report.results import member_mean, member_names

ZIP_NAME = "submission.zip"
TRAINED = (("teachers", "teacher"), ("sar_models", "SAR model"))


def verdict(run: Run) -> str:
    """HTML of the verdict: one sentence and the numbers behind it."""
    numbers = "".join(f"<div><dt>{text(label)}</dt><dd>{value}</dd></div>" for label, value in _numbers(run))
    ran = f'<p class="ran">{text(_what_ran(run))}</p>' if run.manifests else ""
    return f'<p class="verdict">{text(_sentence(run))}</p>\n{ran}\n' + (
        f'<dl class="numbers">{numbers}</dl>' if numbers else ""
    )


def _sentence(run: Run) -> str:
    tiles, ensemble = len(run.maps()), run.metrics.get("ensemble")
    packed = (run.folder / ZIP_NAME).is_file()
    submission = (
        f"{ZIP_NAME} holds the maps of {counted(tiles, 'test tile')}." if packed else "There is no submission yet."
    )
    if not tiles and not ensemble:
        return "The test tiles are not mapped yet."
    if not ensemble:
        return f"{submission} The ensemble has no score: there are no manual labels of the test tiles."
    mean = member_mean(run.metrics)
    members = len(member_names(run.metrics))
    against = f", scored against {ensemble['labels']}"
    reached = f"The ensemble reaches {percent(ensemble['miou'])} % mIoU{against}"
    if mean is None or members < 2 or ensemble["miou"] is None:
        return f"{reached}. {submission}"
    gain = 100 * (ensemble["miou"] - mean)
    direction = "above" if gain >= 0 else "below"
    return f"{reached}: {abs(gain):.1f} points {direction} the mean of its {members} members. {submission}"


def _what_ran(run: Run) -> str:
    """Numbers of trained models, seeds and the PyTorch version, from the manifests."""
    trained = [counted(count, noun) for name, noun in TRAINED if (count := _trained(run, name))]
    made_by = (manifest.get("made_by", {}) for manifest in run.manifests.values())
    seeds = {str(description["seed"]) for description in made_by if "seed" in description}
    noted = (manifest.get("versions", {}) for manifest in run.manifests.values())
    versions = {versions["torch"] for versions in noted if "torch" in versions}
    parts = [f"Trained: {', '.join(trained)}"] if trained else []
    parts += [f"Seed {', '.join(sorted(seeds))}"] if seeds else []
    parts += [f"PyTorch {', '.join(sorted(versions))}"] if versions else []
    return ". ".join(parts)


def _trained(run: Run, folder: str) -> int:
    return sum(name.startswith(f"{folder}/") for name in run.manifests)


def _numbers(run: Run) -> list[tuple[str, str]]:
    """Pairs of label and value (HTML); what is not known is left out."""
    ensemble, mean, tiles = run.metrics.get("ensemble"), member_mean(run.metrics), len(run.maps())
    numbers = []
    if ensemble:
        numbers.append(("ensemble mIoU", f"{percent(ensemble['miou'])} <small>%</small>"))
    if mean is not None:
        numbers.append(("mean of the members", f"{percent(mean)} <small>%</small>"))
    if (pseudo := run.metrics.get("pseudo_labels")) and pseudo.get("miou") is not None:
        numbers.append(("pseudo-labels mIoU", f"{percent(pseudo['miou'])} <small>%</small>"))
    if tiles:
        numbers.append(("test tiles mapped", f"{tiles:,}"))
    return numbers
