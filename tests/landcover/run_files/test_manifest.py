import hashlib
import json
import shutil
import subprocess
import sys

import pytest

from landcover.errors import InputError
from landcover.run_files.manifest import OutputFolder, digest, digest_all, digest_text, package_versions, read_manifest

MADE_BY = {"stage": "scores", "seed": 3, "views": (0.5, 1.0)}
INPUTS = {"model": "abc", "images": "def"}


@pytest.fixture
def output(tmp_path):
    return OutputFolder(tmp_path / "out", MADE_BY, INPUTS)


def fill(output, **contents):
    for name, text in contents.items():
        (output.folder / name).write_text(text)
    output.finish([output.folder / name for name in contents])


def test_a_new_folder_is_claimed_then_complete(output):
    assert not output.begin()
    assert [path.name for path in output.folder.glob("[!.]*")] == ["unfinished.json"]
    fill(output, b="22", a="1")
    assert sorted(path.name for path in output.folder.iterdir()) == ["a", "b", "manifest.json"]
    assert output.begin()
    assert sorted(path.name for path in output.folder.iterdir()) == ["a", "b", "manifest.json"]


def test_the_manifest_tells_what_made_what_from_what(output):
    output.begin()
    (output.folder / "deep").mkdir()
    (output.folder / "deep/b.txt").write_text("22")
    (output.folder / "a.txt").write_text("1")
    output.finish([output.folder / "deep/b.txt", output.folder / "a.txt"], about={"tiles": 2})
    assert read_manifest(output.manifest) == {
        "schema": 1,
        "made_by": {"stage": "scores", "seed": 3, "views": [0.5, 1.0]},
        "inputs": {"model": "abc", "images": "def"},
        "versions": package_versions(),
        "about": {"tiles": 2},
        "files": [
            {"name": "a.txt", "sha256": hashlib.sha256(b"1").hexdigest(), "size": 1},
            {"name": "deep/b.txt", "sha256": hashlib.sha256(b"22").hexdigest(), "size": 2},
        ],
    }


def test_the_same_files_give_the_same_manifest_byte_for_byte(tmp_path):
    for name in ("one", "two"):
        output = OutputFolder(tmp_path / name, MADE_BY, INPUTS)
        output.begin()
        fill(output, a="1", b="22")
    assert (tmp_path / "one/manifest.json").read_bytes() == (tmp_path / "two/manifest.json").read_bytes()


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize(
    ("made_by", "inputs", "difference"),
    [
        ({**MADE_BY, "seed": 4}, INPUTS, r"made_by\.seed: 3 there, 4 now"),
        ({**MADE_BY, "scales": 2}, INPUTS, r"made_by\.scales: None there, 2 now"),
        ({**MADE_BY, "views": [0.5]}, INPUTS, r"made_by\.views: \[0\.5, 1\.0\] there, \[0\.5\] now"),
        (MADE_BY, {**INPUTS, "images": "x"}, r"inputs\.images: def there, x now"),
        (MADE_BY, {**INPUTS, "images": "x" * 101}, r"inputs\.images differs"),
    ],
)
def test_other_settings_or_inputs_are_refused_and_named(output, finished, made_by, inputs, difference):
    output.begin()
    if finished:
        fill(output, a="1")
    before = {path: path.read_bytes() for path in output.folder.iterdir()}
    with pytest.raises(InputError, match=rf"out: holds files made from something else \({difference}\); choose") as got:
        OutputFolder(output.folder, made_by, inputs).begin()
    assert "\n" not in str(got.value)
    assert {path: path.read_bytes() for path in output.folder.iterdir()} == before


def test_two_commands_do_not_fill_one_folder_and_a_finished_one_is_open(output):
    output.begin()
    script = (
        "import sys; from pathlib import Path; from landcover.run_files.manifest import OutputFolder; "
        f"print(OutputFolder(Path(sys.argv[1]), {MADE_BY}, {INPUTS}).begin())"
    )
    words = [sys.executable, "-c", script, str(output.folder)]
    other = subprocess.run(words, capture_output=True, text=True)
    assert "out: expected no other command at work here, found one; wait until it has ended" in other.stderr
    fill(output, a="1")
    assert sorted(path.name for path in output.folder.iterdir()) == ["a", "manifest.json"]
    assert subprocess.run(words, capture_output=True, text=True).stdout == "True\n"


@pytest.mark.parametrize("known", [True, False])
def test_what_the_message_says_of_other_files_helps(output, known):
    output.folder.mkdir()
    if known:
        OutputFolder(output.folder, {**MADE_BY, "seed": 4}, INPUTS).begin()
    else:
        (output.folder / "photo.jpg").touch()
    with pytest.raises(InputError) as told:
        output.begin()
    cure = "delete this one to make it anew" if known else "empty this one if nobody needs what is in it"
    assert str(told.value).endswith(f"; choose another output folder (RUN_DIR), or {cure}")
    assert not OutputFolder(output.folder.with_name("other"), MADE_BY, INPUTS).begin()
    shutil.rmtree(output.folder)
    assert not output.begin()
    fill(output, a="1")
    assert output.begin()


def test_an_interrupted_run_goes_on_with_its_files_but_not_with_half_written_ones(output):
    output.begin()
    (output.folder / "a").write_text("1")
    (output.folder / "deep").mkdir()
    for leftover in (".123.b.tif", "deep/.4567.c.tif"):
        (output.folder / leftover).write_text("half")
    assert not output.begin()
    found = sorted(path.relative_to(output.folder).as_posix() for path in output.folder.rglob("*") if path.is_file())
    assert found == [".lock", "a", "unfinished.json"]


def test_inputs_are_computed_once_and_only_where_the_folder_is_begun(tmp_path):
    asked = []
    output = OutputFolder(tmp_path / "out", MADE_BY, lambda: asked.append(1) or INPUTS)
    assert not asked  # as in all processes but the first
    output.begin()
    fill(output, a="1")
    assert asked == [1]
    assert read_manifest(output.manifest)["inputs"] == INPUTS
    assert OutputFolder(output.folder, MADE_BY, INPUTS).begin()


def test_all_files_and_their_names_are_on_the_disk_before_the_manifest_is(output, disk_events):
    output.begin()
    assert disk_events[-1] == ("names in", "out")
    (output.folder / "deep" / "deeper").mkdir(parents=True)
    files = [output.folder / name for name in ("log.jsonl", "deep/b", "deep/deeper/c")]
    for path in files:
        path.write_text("1")  # not as most files, which are synced one by one
    disk_events.clear()
    output.finish(files)
    *before, content, name, names = disk_events
    contents = [("content", path.name) for path in files]
    assert sorted(before) == sorted([*contents, ("names in", "deep"), ("names in", "deeper"), ("names in", "out")])
    assert [content, name, names] == [("content", "manifest.json"), ("name", "manifest.json"), ("names in", "out")]


def test_whether_a_folder_is_complete_is_told_without_claiming_it(output):
    assert not output.complete and not output.folder.exists()
    assert not output.begin()
    assert not output.complete
    with pytest.raises(InputError, match=r"made_by\.seed"):
        _ = OutputFolder(output.folder, {**MADE_BY, "seed": 4}, INPUTS).complete
    file = output.folder / "a.txt"
    file.write_text("a")
    output.finish([file])
    assert output.complete
    with pytest.raises(InputError, match=r"made_by\.seed"):
        _ = OutputFolder(output.folder, {**MADE_BY, "seed": 4}, INPUTS).complete
    file.write_text("longer")
    assert not output.complete and file.exists()


def test_a_released_folder_is_free_for_other_settings(output):
    output.begin()
    output.release()
    assert not OutputFolder(output.folder, {**MADE_BY, "seed": 4}, INPUTS).begin()
    assert read_manifest(output.folder / "unfinished.json")["made_by"]["seed"] == 4


def test_a_missing_file_makes_the_folder_unfinished_again(output):
    output.begin()
    fill(output, a="1", b="22")
    (output.folder / "a").unlink()
    assert not output.begin()
    assert sorted(path.name for path in output.folder.glob("[!.]*")) == ["b", "unfinished.json"]


def test_a_file_of_another_size_is_made_anew(output):
    output.begin()
    fill(output, a="1", b="22")
    (output.folder / "a").write_text("cut")
    assert not output.begin()
    # a caller that writes what is missing would keep the damaged file otherwise
    assert sorted(path.name for path in output.folder.glob("[!.]*")) == ["b", "unfinished.json"]


@pytest.mark.parametrize("content", ["", "{", "[1]", "\x00"])
def test_a_file_that_is_no_manifest_is_refused(tmp_path, content):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(InputError, match=r"manifest\.json: not a manifest .*delete the folder"):
        OutputFolder(tmp_path, MADE_BY, INPUTS).begin()


def test_a_missing_manifest_names_the_stage_as_the_cure(tmp_path):
    with pytest.raises(InputError, match=r"manifest\.json: expected the manifest of a finished stage, found none"):
        read_manifest(tmp_path / "manifest.json")


def test_digests_follow_content_names_and_order(tmp_path):
    (tmp_path / "a").write_text("1")
    (tmp_path / "b").write_text("2")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/a").write_text("1")
    a, b, same = tmp_path / "a", tmp_path / "b", tmp_path / "deep/a"
    assert digest(a) == digest_text("1") == "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
    assert digest_all([a, b]) == digest_all([same, b]) == digest_all(iter([a, b]))
    assert len({digest_all([a, b]), digest_all([b, a]), digest_all([a]), digest_all([])}) == 4


def test_versions_of_what_results_depend_on_are_recorded():
    versions = package_versions()
    assert json.loads(json.dumps(versions)) == versions
    assert {"torch", "numpy", "timm", "tifffile"} <= versions.keys()
    assert all(value[0].isdigit() for value in versions.values())
