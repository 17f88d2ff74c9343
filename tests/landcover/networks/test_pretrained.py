import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import ClassVar

import mmseg
import pytest
import safetensors.torch
import timm
import torch

from landcover.errors import InputError
from landcover.networks.mix_transformer import FastMixVisionTransformer
from landcover.networks.pretrained import PRETRAINED_WEIGHTS, find_weights, load_strictly, read_tensors

SIZES = {"embed_dims": 8, "num_layers": (1, 1, 1, 1), "num_heads": (1, 2, 5, 8), "drop_path_rate": 0.0}


def test_mit_files_are_those_of_the_installed_configs() -> None:
    folder = Path(mmseg.__file__).parent / ".mim" / "configs" / "segformer"
    text = "".join(path.read_text() for path in sorted(folder.glob("*.py")))
    urls = [weights.url for name, weights in PRETRAINED_WEIGHTS.items() if name.startswith("mit_")]
    assert len(urls) == 6
    assert [url for url in urls if f"'{url}'" not in text] == []


def test_timm_files_and_licences_are_those_timm_knows() -> None:
    entries = {name: weights for name, weights in PRETRAINED_WEIGHTS.items() if "." in name}
    assert len(entries) == 5
    for name, weights in entries.items():
        published = timm.get_pretrained_cfg(name)
        assert weights.licence.lower() == published.license
        assert weights.url == f"https://huggingface.co/{published.hf_hub_id}/resolve/main/model.safetensors"


def test_finds_the_file_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "mit_b3_20220624-13b1141c.pth").touch()
    assert find_weights("mit_b3", tmp_path) == tmp_path / "mit_b3_20220624-13b1141c.pth"


def test_missing_file_says_where_to_get_it_and_where_to_put_it(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        find_weights("convnextv2_base.fcmae_ft_in22k_in1k_384", tmp_path)
    message = str(caught.value)
    assert "\n" not in message
    assert "https://huggingface.co/timm/convnextv2_base.fcmae_ft_in22k_in1k_384/resolve/main/" in message
    assert f"save it as {tmp_path / 'convnextv2_base.fcmae_ft_in22k_in1k_384.safetensors'}" in message
    assert "CC-BY-NC-4.0" in message
    assert "PRETRAINED=0" in message


def test_the_file_itself_may_be_named_instead_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "ours.pth").touch()
    assert find_weights("mit_b3", tmp_path / "ours.pth") == tmp_path / "ours.pth"


def test_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected one of mit_b0, mit_b1, .*, found 'mit_b6'"):
        find_weights("mit_b6", tmp_path)


@pytest.mark.parametrize("wrap", [lambda state: state, lambda state: {"state_dict": state, "meta": {}}])
@pytest.mark.parametrize("bands", [1, 2])
def test_backbones_answer_equal_bands_like_the_published_one_grey_images(
    tmp_path: Path, wrap: object, bands: int
) -> None:
    published = FastMixVisionTransformer(**SIZES).eval()
    published.init_weights()
    assert callable(wrap)
    torch.save(wrap({**published.state_dict(), "head.weight": torch.zeros(2, 64)}), tmp_path / "mit.pth")
    backbone = FastMixVisionTransformer(in_channels=bands, checkpoint=str(tmp_path / "mit.pth"), **SIZES).eval()
    backbone.init_weights()
    grey = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    equal = grey.expand(-1, bands, -1, -1)
    for value, expected in zip(backbone(equal), published(grey.expand(-1, 3, -1, -1)), strict=True):
        torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-5)


def test_names_missing_or_left_over_are_refused() -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1))
    tensors = {"0.weight": torch.ones(2, 3, 1, 1), "1.weight": torch.ones(1), "head.bias": torch.ones(1)}
    before = module[0].weight.clone()
    with pytest.raises(
        InputError, match=r"w\.pth: .* 1 tensors \(0\.bias, \.\.\.\) missing and 1 tensors \(1\.weight, \.\.\.\) not in"
    ):
        load_strictly(module, tensors, "0.weight", ("head.",), Path("w.pth"))
    assert torch.equal(module[0].weight, before)


def test_wrong_shape_is_refused_with_both_shapes() -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3))
    tensors = {"0.weight": torch.ones(2, 3, 1, 1), "0.bias": torch.ones(2)}
    with pytest.raises(InputError, match=r"0\.weight has shape \(2, 3, 1, 1\), the model needs \(2, 3, 3, 3\)"):
        load_strictly(module, tensors, "0.weight", (), Path("w.pth"))


@pytest.mark.parametrize(("bands", "expected"), [(1, [7.0]), (2, [3.5, 3.5]), (3, [1.0, 2.0, 4.0]), (4, [1.75] * 4)])
def test_first_convolution_is_summed_over_rgb_and_shared_out_and_inputs_stay(bands: int, expected: list[float]) -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(bands, 1, 1))
    tensors = {"0.weight": torch.tensor([1.0, 2.0, 4.0]).reshape(1, 3, 1, 1), "0.bias": torch.tensor([5.0])}
    load_strictly(module, tensors, "0.weight", (), Path("w.pth"))
    assert module[0].weight.flatten().tolist() == expected
    assert module(torch.full((1, bands, 1, 1), 2.0)).item() == 19.0
    assert tensors["0.weight"].shape == (1, 3, 1, 1)


def test_damaged_and_missing_files_are_named(tmp_path: Path) -> None:
    for name in ("a.pth", "a.safetensors"):
        (tmp_path / name).write_bytes(b"<html>not found</html>")
        with pytest.raises(InputError, match=rf"{name}: not a readable file of weights \(.+\); get it again"):
            read_tensors(tmp_path / name)
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(InputError, match="expected a dictionary of tensors by parameter name, found list"):
        read_tensors(tmp_path / "list.pth")
    with pytest.raises(InputError, match=r"none\.pth: pretrained weights are not there"):
        read_tensors(tmp_path / "none.pth")


class Hub(BaseHTTPRequestHandler):
    """Answers GET requests from a dictionary of contents by path; `cut` breaks the connection off half-way."""

    contents: ClassVar[dict[str, bytes]] = {}
    asked: ClassVar[list[str]] = []
    cut = False

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path not in self.contents:
            self.send_error(404)
            return
        content = self.contents[self.path]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if self.cut else content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    """A server on this machine that takes the place of the Hugging Face hub and of the MiT weights' server."""

    class Fresh(Hub):
        contents: ClassVar[dict[str, bytes]] = {}
        asked: ClassVar[list[str]] = []

    with ThreadingHTTPServer(("127.0.0.1", 0), Fresh) as server:
        address = f"http://127.0.0.1:{server.server_address[1]}"
        monkeypatch.setenv("HF_ENDPOINT", address)
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        mit = PRETRAINED_WEIGHTS["mit_b0"]
        monkeypatch.setitem(PRETRAINED_WEIGHTS, "mit_b0", replace(mit, url=f"{address}/{mit.file}"))
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield Fresh
        server.shutdown()
        thread.join()


TIMM_NAME = "convnextv2_base.fcmae_ft_in22k_in1k_384"
TIMM_PATH = f"/timm/{TIMM_NAME}/resolve/main/model.safetensors"
TENSORS = {"stem.weight": torch.arange(300_000.0)}  # more than a chunk


def test_weights_are_fetched_by_name_on_request_and_once(
    hub: type[Hub], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.contents[TIMM_PATH] = safetensors.torch.save(TENSORS)
    saved = BytesIO()
    torch.save({"state_dict": TENSORS}, saved)
    hub.contents["/mit_b0_20220624-7e0fe6dd.pth"] = saved.getvalue()
    folder = tmp_path / "new" / "pretrained"
    for name in (TIMM_NAME, "mit_b0"):
        with pytest.raises(InputError, match="set PRETRAINED=hub to have it fetched"):
            find_weights(name, folder)
        for _ in range(2):
            path = find_weights(name, folder, fetch=True)
            assert path == folder / PRETRAINED_WEIGHTS[name].file
            assert path.read_bytes() in hub.contents.values()
            assert torch.equal(read_tensors(path)["stem.weight"], TENSORS["stem.weight"])
    assert hub.asked == [TIMM_PATH, "/mit_b0_20220624-7e0fe6dd.pth"]
    assert len(list(folder.iterdir())) == 2
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 2
    assert TIMM_PATH in printed[0] and printed[0].endswith("(licence: CC-BY-NC-4.0)")
    assert printed[1].endswith("(licence: NVIDIA Source Code License for SegFormer (non-commercial))")


def test_processes_that_ask_together_fetch_once(hub: type[Hub], tmp_path: Path) -> None:
    hub.contents[TIMM_PATH] = safetensors.torch.save(TENSORS)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: find_weights(TIMM_NAME, tmp_path, fetch=True), range(4)))
    assert found == [tmp_path / f"{TIMM_NAME}.safetensors"] * 4
    assert hub.asked == [TIMM_PATH]


@pytest.mark.parametrize("problem", ["absent", "cut", "page", "unreachable"])
def test_what_can_not_be_fetched_is_told_with_its_link_and_leaves_nothing(
    hub: type[Hub], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: str
) -> None:
    content = safetensors.torch.save(TENSORS)
    if problem == "cut":
        hub.contents[TIMM_PATH], hub.cut = content, True
    elif problem == "page":
        hub.contents[TIMM_PATH] = b"<html>log in first</html>"
    elif problem == "unreachable":
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{unused.getsockname()[1]}/")
    reason = {
        "absent": "HTTP Error 404: Not Found",
        "cut": f"{len(content) // 2} of {len(content)} bytes came",
        "page": "what came is not a readable file of weights",
        "unreachable": "Connection refused",
    }[problem]
    with pytest.raises(InputError) as caught:
        find_weights(TIMM_NAME, tmp_path, fetch=True)
    message, path = str(caught.value), tmp_path / f"{TIMM_NAME}.safetensors"
    assert "\n" not in message and reason in message
    assert message.startswith("http://127.0.0.1:") and f"{TIMM_PATH}: pretrained weights {TIMM_NAME} could" in message
    assert f"save it as {path}, or set PRETRAINED=0" in message
    assert list(tmp_path.iterdir()) == []
