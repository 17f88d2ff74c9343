import pytest
import torch
from mmengine.fileio import get_file_backend

from landcover.errors import InputError
from landcover.run_files import atomic
from landcover.training.checkpoints import WHOLE_FILES, checkpoint_to_resume, iteration_of, saved_checkpoints


def save(folder, *iterations):
    for iteration in iterations:
        torch.save({"weight": torch.zeros(1000)}, folder / f"iter_{iteration}.pth")


def cut(path):
    path.write_bytes(path.read_bytes()[:1000])


def test_the_newest_checkpoint_is_that_of_the_largest_iteration(tmp_path):
    assert checkpoint_to_resume(tmp_path) is None
    save(tmp_path, 900, 10000, 2000)
    for name in (".77.iter_20000.pth", "candidate_30000.pth", "last_checkpoint"):
        (tmp_path / name).touch()
    assert [iteration_of(path) for path in saved_checkpoints(tmp_path)] == [10000, 2000, 900]
    assert checkpoint_to_resume(tmp_path) == tmp_path / "iter_10000.pth"


@pytest.mark.parametrize("quiet", [False, True])
def test_a_damaged_checkpoint_is_told_and_the_one_before_is_taken(tmp_path, capsys, quiet):
    save(tmp_path, 2, 4)
    cut(tmp_path / "iter_4.pth")
    assert checkpoint_to_resume(tmp_path, quiet) == tmp_path / "iter_2.pth"
    told = capsys.readouterr().out
    assert told.startswith("" if quiet else f"warning: {tmp_path / 'iter_4.pth'}: a damaged checkpoint (")
    assert told.count("\n") == (0 if quiet else 1)


def test_where_all_are_damaged_the_cure_is_named(tmp_path):
    save(tmp_path, 2, 4)
    for path in saved_checkpoints(tmp_path):
        cut(path)
    with pytest.raises(InputError, match=rf"iter_4\.pth: expected a training checkpoint .*delete {tmp_path} to start"):
        checkpoint_to_resume(tmp_path)


def test_mmengine_writes_a_checkpoint_whole_or_not_at_all(tmp_path, monkeypatch):
    backend = get_file_backend(tmp_path, backend_args={"backend": WHOLE_FILES})
    backend.put(b"old", str(tmp_path / "iter_2.pth"))

    def power_cut(path):
        assert path.read_bytes() == b"new"
        raise OSError("power cut")

    monkeypatch.setattr(atomic, "sync", power_cut)
    with pytest.raises(OSError, match="power cut"):
        backend.put(b"new", str(tmp_path / "iter_2.pth"))
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("iter_2.pth", b"old")]
