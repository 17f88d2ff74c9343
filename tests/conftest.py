"""What many tests need: registered classes, a tiny demo data set, commands run in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from landcover.demo_scenes import DemoSizes, write_demo
from landcover.registry import register_all


@pytest.fixture(scope="session")
def registered() -> None:
    """Classes that configs name are known to mmengine."""
    register_all()


@pytest.fixture(scope="session")
def demo_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with `OpenEarthMap`, `DFC2025Track1` and `truth`; read only."""
    root = tmp_path_factory.mktemp("demo_root") / "data"
    sizes = DemoSizes(source_train=4, source_val=2, target_train=4, target_val=1, target_test=2, tile=64)
    write_demo(root, seed=1, sizes=sizes, quiet=True)
    return root


@pytest.fixture
def run_main(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs a main function with arguments: exit code, and the last line of stderr or all of stdout."""

    def run(main: Callable[[], None], *arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["command", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
        except SystemExit as end:
            errors = capsys.readouterr().err
            assert "Traceback" not in errors
            return int(end.code or 0), errors.strip().splitlines()[-1]
        return 0, capsys.readouterr().out

    return run
