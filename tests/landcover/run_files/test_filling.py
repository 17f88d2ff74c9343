import pytest
import torch

from landcover.errors import InputError
from landcover.processes.group import Processes
from landcover.run_files.filling import filling
from landcover.run_files.manifest import OutputFolder, read_manifest

ALONE = Processes(0, 1, torch.device("cpu"))


def output(folder, processes=1, seed=0):
    return OutputFolder(folder, {"seed": seed, "processes": processes}, {"images": "1"}, ("processes",))


def fill(folder, **about):
    with filling(output(folder, **about), ALONE) as state:
        if state.nothing_to_do:
            return "nothing to do"
        (folder / "a.txt").write_text("a")
        state.files = [folder / "a.txt"]
    return "filled"


def test_a_folder_is_claimed_filled_and_finished(tmp_path):
    folder = tmp_path / "out"
    with filling(output(folder), ALONE) as state:
        assert not state.complete and not state.nothing_to_do
        assert [path.name for path in folder.glob("[!.]*")] == ["unfinished.json"]
        (folder / "a.txt").write_text("a")
        state.files = [folder / "a.txt"]
    assert [row["name"] for row in read_manifest(folder / "manifest.json")["files"]] == ["a.txt"]
    assert not (folder / "unfinished.json").exists()
    assert fill(folder) == "nothing to do"


def test_after_an_error_the_folder_stays_unfinished(tmp_path):
    folder = tmp_path / "out"
    with pytest.raises(RuntimeError, match="power cut"), filling(output(folder), ALONE):
        raise RuntimeError("power cut")
    assert [path.name for path in folder.glob("[!.]*")] == ["unfinished.json"]
    assert fill(folder) == "filled"


def test_a_complete_folder_that_is_not_up_to_date_is_finished_anew(tmp_path):
    folder = tmp_path / "out"
    fill(folder)
    with filling(output(folder), ALONE, up_to_date=lambda: False) as state:
        assert state.complete and not state.nothing_to_do
        (folder / "b.txt").write_text("b")
        state.files = [folder / "a.txt", folder / "b.txt"]
    assert len(read_manifest(folder / "manifest.json")["files"]) == 2
    assert fill(folder) == "nothing to do"


def test_the_number_of_processes_belongs_to_an_unfinished_folder_only(tmp_path):
    folder = tmp_path / "out"
    output(folder, processes=4).begin()
    with pytest.raises(InputError, match=r"made_by\.processes: 4 there, 1 now"):
        fill(folder, processes=1)
    assert fill(folder, processes=4) == "filled"
    assert fill(folder, processes=1) == "nothing to do"
    assert read_manifest(folder / "manifest.json")["made_by"]["processes"] == 4
    with pytest.raises(InputError, match=r"made_by\.seed: 0 there, 1 now"):
        fill(folder, processes=1, seed=1)
