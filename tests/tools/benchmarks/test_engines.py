import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.benchmarks._engines_document import READING
from tools.benchmarks.engines import HEADS, Measured, rows

ROOT = Path(__file__).parents[3]


def test_a_row_tells_costs_and_differences() -> None:
    measured: dict[str, Measured | None] = {
        "torch": Measured(1.0, 1.8, 1.0, 0.0, 0.0, 1.0),
        "onnxruntime_int8": Measured(0.9, 0.6, 3.0, 0.02, 0.001, 0.9876),
        "torch_compile": None,
    }
    assert rows(measured) == [
        ("torch", "1.000", "1.800", "1.00", "0.0e+00", "0.0e+00", "100.00 %"),
        ("onnxruntime int8", "0.900", "0.600", "3.00", "2.0e-02", "1.0e-03", "98.76 %"),
        ("torch compile", "failed", "", "", "", "", ""),
    ]


def test_sides_are_measured_on_the_same_window_and_the_document_has_the_table(
    run_benchmark: Callable[[str, str], str], tmp_path: Path
) -> None:
    for name in ("onnx", "onnxscript", "onnxruntime", "openvino"):
        pytest.importorskip(name, reason=f"the optional package {name} is not installed")
    sides = ["onnxruntime", "onnxruntime_int8"]
    options = f"configs/demo/sar_segformer.py --window 64 --repeats 1 --threads 1 --out {tmp_path / 'engines.md'}"
    printed = run_benchmark("engines", f"{options} --sides {' '.join(sides)}")
    found = json.loads(printed.splitlines()[-1])
    assert list(found) == [f"sar_segformer_{side}" for side in ["torch", *sides]]
    assert found["sar_segformer_torch"] == 1.0 and min(found.values()) > 0
    lines = (tmp_path / "engines.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines if line.startswith("| ")]
    apart = {line[0]: float(line[4]) for line in cells[2:]}
    assert list(apart) == ["torch", *(side.replace("_", " ") for side in sides)]
    assert 0 < apart["onnxruntime"] < 1e-4 < apart["onnxruntime int8"] < 0.5


def test_the_document_is_the_last_one_written() -> None:
    text = (ROOT / "docs" / "engines.md").read_text(encoding="utf-8")
    assert READING.read_text(encoding="utf-8").strip() in text
    assert all(head in text for head in HEADS) and "```bash\nsource tools/environment.sh\npython tools/bench" in text
