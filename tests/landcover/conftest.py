"""What tests of several rooms need."""

import pytest

from landcover.processes import cores


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Sets the cores that the process is bound to and its container's quota."""

    def set_up(count, quota=None):
        monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
        monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: set(range(count)))
        monkeypatch.setattr(cores, "CPU_QUOTA", tmp_path / "cpu.max")
        if quota is not None:
            (tmp_path / "cpu.max").write_text(quota)

    return set_up
