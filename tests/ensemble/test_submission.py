import io
import shutil
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ensemble.submission import check_submission, main, pack, remove_other_pngs, write_label_png
from landcover.classes.scheme_file import find_scheme
from landcover.data_sets.dfc2025 import SarTile
from landcover.errors import InputError
from landcover.images.label_file import read_labels

LABELS = {
    "TestArea_001": np.array([[0, 1, 2], [3, 4, 5]], np.uint8),
    "TestArea_002": np.array([[6, 7, 8, 8], [0, 0, 1, 1], [2, 2, 2, 2]], np.uint8),
}


@pytest.fixture
def tiles(write_sar) -> list[SarTile]:
    return [write_sar(name, np.full(labels.shape, 9, np.uint8)) for name, labels in LABELS.items()]


def png(pixels: np.ndarray, mode: str | None = None, **options: object) -> bytes:
    image = Image.fromarray(pixels)
    buffer = io.BytesIO()
    (image.convert(mode) if mode else image).save(buffer, format="PNG", **options)
    return buffer.getvalue()


def four_bit_png(labels: np.ndarray) -> bytes:
    """A grey PNG of 4 bits per pixel, which Pillow reads as 8 but does not write."""
    height, width = labels.shape
    padded = np.pad(labels, ((0, 0), (0, width % 2)))
    rows = b"".join(b"\0" + (row[::2] << 4 | row[1::2]).tobytes() for row in padded)
    header = struct.pack(">IIBBBBB", width, height, 4, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    parts = (struct.pack(">I", len(d)) + kind + d + struct.pack(">I", zlib.crc32(kind + d)) for kind, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def jpeg(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="JPEG")
    return buffer.getvalue()


def flipped(content: bytes, place: int) -> bytes:
    """The same bytes but for one bit."""
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def write_zip(path: Path, files: list[tuple[str, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files:
            archive.writestr(name, content)
    return path


def good_files() -> list[tuple[str, bytes]]:
    return [(f"{name}.png", png(labels)) for name, labels in LABELS.items()]


def with_first(content: bytes) -> Callable[[], list[tuple[str, bytes]]]:
    return lambda: [("TestArea_001.png", content), good_files()[1]]


FIRST = LABELS["TestArea_001"]
NINE = np.array([[0, 1, 2], [3, 4, 9]], np.uint8)

WRONG = {
    "missing tile": (lambda: good_files()[:1], "1 missing: TestArea_002.png"),
    "extra tile": (lambda: [*good_files(), ("TestArea_003.png", png(FIRST))], "TestArea_003.png: expected only tiles"),
    "other file": (lambda: [*good_files(), ("readme.txt", b"hello")], "readme.txt: expected only <tile>.png"),
    "zip in the zip": (
        lambda: [("a.zip", b"PK")],
        "a.zip: expected label PNGs, found a zip inside of the zip; unpack it",
    ),
    "hidden file": (lambda: [*good_files(), (".DS_Store", b"")], r"\.DS_Store: expected label PNGs alone, found what"),
    "RGB": (with_first(png(FIRST, "RGB")), "TestArea_001.png: .*found RGB of 8 bits"),
    "palette": (with_first(png(FIRST, "P")), "TestArea_001.png: .*found palette of 8 bits"),
    "alpha": (with_first(png(FIRST, "LA")), "TestArea_001.png: .*found one band with alpha"),
    "one bit": (with_first(png(FIRST > 1)), "TestArea_001.png: .*found one band of 1 bits"),
    "4 bits": (with_first(four_bit_png(FIRST)), "TestArea_001.png: .*found one band of 4 bits"),
    "palette of 4 bits": (with_first(png(FIRST, "P", bits=4)), "TestArea_001.png: .*found palette of 4 bits"),
    "uint16": (with_first(png(FIRST.astype(np.uint16))), "TestArea_001.png: .*found one band of 16 bits"),
    "wrong size": (with_first(png(FIRST.T.copy())), "TestArea_001.png: expected 2x3 pixels .* found 3x2"),
    "value 9": (with_first(png(NINE)), "TestArea_001.png: expected label values 0..8 .* found 9"),
    "JPEG called PNG": (with_first(jpeg(FIRST)), "TestArea_001.png: expected a PNG, found another format"),
    "TIFF called PNG": (with_first(b"II*\0 a TIFF"), "TestArea_001.png: expected a PNG, found another format"),
    "empty file": (with_first(b""), "TestArea_001.png: expected a PNG, found another format"),
    "cut off in the pixels": (with_first(png(FIRST)[:45]), r"TestArea_001.png: not readable as PNG \(cut off\)"),
    "cut off behind the pixels": (with_first(png(FIRST)[:-12]), r"TestArea_001.png: not readable as PNG \(cut off\)"),
    "cut off in the last byte": (with_first(png(FIRST)[:-1]), r"TestArea_001.png: not readable as PNG \(cut off\)"),
    "damaged pixels": (with_first(flipped(png(FIRST), 45)), r"TestArea_001.png: not readable .*\(wrong checksum\)"),
    "nested": (
        lambda: [(f"submission/{name}", content) for name, content in good_files()],
        "submission/TestArea_001.png: expected a flat zip",
    ),
    "folder entry": (lambda: [*good_files(), ("submission/", b"")], "submission/: expected a flat zip"),
    "upper-case suffix": (
        lambda: [("TestArea_001.PNG", png(FIRST)), good_files()[1]],
        "TestArea_001.PNG: .*lower-case suffix",
    ),
    "other case of the name": (
        lambda: [("testarea_001.png", png(FIRST)), good_files()[1]],
        "testarea_001.png: expected TestArea_001.png, spelt as the test tile",
    ),
    "folder with backslash": (
        lambda: [(f"maps\\{name}", content) for name, content in good_files()],
        r"maps\\TestArea_001.png: expected a flat zip, found a folder, written with the backslash of Windows",
    ),
    "label map as TIFF": (
        lambda: [*good_files()[1:], ("TestArea_001.tif", b"II*")],
        "TestArea_001.tif: expected only <tile>.png .* write label maps as PNG",
    ),
    "duplicate": (
        lambda: [*good_files(), good_files()[0]],
        "TestArea_001.png: expected every tile once, found it 2 times",
    ),
    "empty zip": (lambda: [], "submission.zip: expected 2 label PNGs, found an empty zip"),
}
"""Files of the zip and what the check says of them."""


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_submission_is_refused_in_one_line(tmp_path, tiles, case) -> None:
    files, message = WRONG[case]
    path = write_zip(tmp_path / "submission.zip", files())
    with pytest.raises(InputError, match=message) as raised:
        check_submission(path, tiles)
    assert str(raised.value).startswith(str(path))
    assert "\n" not in str(raised.value)


def test_the_png_of_4_bits_is_one_that_pillow_would_take(tiles) -> None:
    with Image.open(io.BytesIO(four_bit_png(FIRST))) as image:
        assert image.mode == "L"
        assert image.size == (3, 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "expected a zip of label PNGs, found no file"),
        (b"", "expected a zip, found something else"),
        (b"no zip", "expected a zip, found something else"),
        (png(FIRST), "expected a zip, found something else"),
        ("half", "expected a zip, found something else"),
    ],
)
def test_what_is_no_whole_zip_is_refused(tmp_path, tiles, content, message) -> None:
    path = tmp_path / "submission.zip"
    if content == "half":
        whole = write_zip(path, good_files()).read_bytes()
        content = whole[: len(whole) // 2]
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=f"submission.zip: {message}"):
        check_submission(path, tiles)


def test_no_damage_of_one_bit_ends_in_a_traceback(tmp_path, tiles) -> None:
    whole = write_zip(tmp_path / "submission.zip", good_files()).read_bytes()
    places = range(0, len(whole), 3)
    refused = 0
    for place in places:
        (tmp_path / "damaged.zip").write_bytes(flipped(whole, place))
        try:
            check_submission(tmp_path / "damaged.zip", tiles)
        except InputError:
            refused += 1
    # What is left are fields that nothing reads: versions, dates, the copy of a member's header.
    assert refused > len(places) / 2


def test_the_command_checks_any_zip(tmp_path, tiles, run_main) -> None:
    path = write_zip(tmp_path / "mine.zip", good_files())
    assert run_main(main, path, "--dfc-root", tmp_path / "data") == (
        0,
        f"{path}: label PNGs of all 2 test tiles, ready to upload\n",
    )
    write_zip(path, good_files()[:1])
    code, line = run_main(main, path, "--dfc-root", tmp_path / "data")
    assert code == 2
    assert line.startswith(f"error: {path}: expected 2 label PNGs, 1 missing")
    assert run_main(main, path, "--dfc-root", tmp_path / "nowhere")[0] == 2


MACOS = [("__MACOSX/", b""), ("__MACOSX/._TestArea_001.png", b"x"), (".DS_Store", b"x"), ("._TestArea_002.png", b"x")]


@pytest.mark.skipif(shutil.which("zip") is None, reason="the program zip is not installed")
@pytest.mark.parametrize(
    "added", [MACOS, [("maps/._TestArea_001.png", b"x")], [("submission/", b"")], [("my maps/", b"")]]
)
def test_the_command_of_the_message_removes_what_programs_add(tmp_path, tiles, added) -> None:
    path = write_zip(tmp_path / "my zip.zip", [*good_files(), *added])
    with pytest.raises(InputError, match="remove it with") as told:
        check_submission(path, tiles)
    assert added != MACOS or "found what macOS adds to a zip" in str(told.value)
    subprocess.run(["bash", "-c", str(told.value).partition("remove it with ")[2]], check=True, capture_output=True)
    assert check_submission(path, tiles) == []


@pytest.mark.skipif(shutil.which("zip") is None, reason="the program zip is not installed")
@pytest.mark.parametrize("folder", ["my maps/", "a/my maps/", "./", "../", "/"])
def test_the_command_of_the_message_makes_a_flat_zip_of_a_folder(tmp_path, tiles, folder) -> None:
    entries = [(f"{part}/", b"") for part in ("a", "a/my maps", "my maps") if folder.startswith(f"{part}/")]
    path = write_zip(tmp_path / "a.zip", [*entries, *((f"{folder}{name}", png) for name, png in good_files())])
    with pytest.raises(InputError, match="found a folder; unpack it and zip the files, not their folder: ") as told:
        check_submission(path, tiles)
    zipfile.ZipFile(path).extractall(tmp_path)
    command = str(told.value).partition("not their folder: ")[2]
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True, capture_output=True)
    assert check_submission(tmp_path / "flat.zip", tiles) == []


@pytest.mark.skipif(shutil.which("zip") is None, reason="the program zip is not installed")
def test_a_folder_is_zipped_by_the_command_of_the_message(tmp_path, tiles) -> None:
    folder = write_folder(tmp_path / "my maps")
    with pytest.raises(InputError, match="expected a zip of label PNGs, found a folder; zip the files in it: ") as told:
        check_submission(folder, tiles)
    command = str(told.value).partition("zip the files in it: ")[2]
    subprocess.run(["bash", "-c", command], check=True, capture_output=True)
    assert check_submission(tmp_path / "flat.zip", tiles) == []


def test_the_indices_of_a_palette_become_class_values_by_the_line_of_the_message(tmp_path, tiles) -> None:
    image = Image.fromarray(FIRST, mode=None).convert("P")
    image.putdata(FIRST.ravel().tolist())
    image.putpalette([200, 10, 30] * 256)
    image.save(tmp_path / "t.png")
    files = with_first((tmp_path / "t.png").read_bytes())()
    with pytest.raises(InputError, match="found palette of 8 bits") as told:
        check_submission(write_zip(tmp_path / "a.zip", files), tiles)
    line = str(told.value).partition("if its indices are the class values: ")[2]
    exec(line, {"Image": Image, "np": np, "png": tmp_path / "t.png"})
    files = with_first((tmp_path / "t.png").read_bytes())()
    assert check_submission(write_zip(tmp_path / "a.zip", files), tiles) == []
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "t.png")), FIRST)


def test_maps_that_are_mostly_zeros_or_numbered_from_zero_are_warned_of(tmp_path, tiles, run_main, capsys) -> None:
    labels = {name: values.copy() for name, values in LABELS.items()}
    labels["TestArea_002"][:, :3] = 0
    path = write_zip(tmp_path / "a.zip", [(f"{name}.png", png(values)) for name, values in labels.items()])
    (warning,) = check_submission(path, tiles)
    assert warning == (
        f"{path}: 55.6% of the pixels are 0, a miss where there is a label; only pixels without data should be"
    )
    from_zero = {name: np.maximum(values, 1) - 1 for name, values in LABELS.items()}
    path = write_zip(tmp_path / "b.zip", [(f"{name}.png", png(values)) for name, values in from_zero.items()])
    (warning,) = check_submission(path, tiles)
    assert "33.3% of the pixels are 0 and none is 8 (building); were the classes numbered from 0? They" in warning
    assert run_main(main, path, "--dfc-root", tmp_path / "data")[0] == 0


def test_a_zip_of_zeros_alone_does_not_look_numbered_from_zero(tmp_path, tiles) -> None:
    zeros = [(f"{name}.png", png(np.zeros_like(values))) for name, values in LABELS.items()]
    (warning,) = check_submission(write_zip(tmp_path / "a.zip", zeros), tiles)
    assert "100.0% of the pixels are 0, a miss where there is a label" in warning


def test_a_tile_that_is_all_void_is_allowed(tmp_path, tiles) -> None:
    path = write_zip(tmp_path / "submission.zip", with_first(png(np.zeros((2, 3), np.uint8)))())
    check_submission(path, tiles)
    assert zipfile.ZipFile(path).namelist() == ["TestArea_001.png", "TestArea_002.png"]


def write_folder(folder: Path) -> Path:
    for name, labels in LABELS.items():
        write_label_png(folder / f"{name}.png", labels)
    return folder


def test_pack_makes_a_flat_zip_with_the_labels(tmp_path, tiles) -> None:
    path = tmp_path / "submission.zip"
    pack(write_folder(tmp_path / "submission"), tiles[::-1], path)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["TestArea_001.png", "TestArea_002.png"]
        for name, labels in LABELS.items():
            image = Image.open(io.BytesIO(archive.read(f"{name}.png")))
            assert image.mode == "L"
            np.testing.assert_array_equal(np.asarray(image), labels)


def test_the_same_labels_give_the_same_bytes(tmp_path, tiles) -> None:
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    pack(write_folder(tmp_path / "a"), tiles, first)
    pack(write_folder(tmp_path / "b"), tiles[::-1], second)
    assert first.read_bytes() == second.read_bytes()
    for entry in zipfile.ZipFile(first).infolist():
        assert (entry.external_attr >> 16, entry.date_time[:3]) == (0o100644, (1980, 1, 1))  # unpacked, all may read it


def test_files_of_other_tiles_in_the_folder_stay_out_of_the_zip(tmp_path, tiles) -> None:
    folder = write_folder(tmp_path / "submission")
    write_label_png(folder / "TestArea_900.png", FIRST)
    pack(folder, tiles, tmp_path / "submission.zip")
    assert zipfile.ZipFile(tmp_path / "submission.zip").namelist() == ["TestArea_001.png", "TestArea_002.png"]


def test_a_refused_submission_does_not_get_its_name(tmp_path, tiles) -> None:
    folder = write_folder(tmp_path / "submission")
    (folder / "TestArea_001.png").write_bytes(png(NINE))
    with pytest.raises(InputError, match=r"submission.zip: TestArea_001.png: .*found 9"):
        pack(folder, tiles, tmp_path / "submission.zip")
    (folder / "TestArea_001.png").unlink()
    with pytest.raises(InputError, match=r"TestArea_001.png: expected a label PNG, found none"):
        pack(folder, tiles, tmp_path / "submission.zip")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "submission"]


def test_labels_above_the_scheme_are_not_written(tmp_path) -> None:
    with pytest.raises(InputError, match="found 9"):
        write_label_png(tmp_path / "t.png", NINE)
    assert list(tmp_path.iterdir()) == []


def test_pngs_of_other_tiles_are_removed_and_nothing_else(tmp_path) -> None:
    for name in ("a.png", "b.png", "a.PNG", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    remove_other_pngs(tmp_path, {"a"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "notes.txt"]


def test_a_submission_of_other_classes_is_checked_by_their_number(tmp_path, tiles, run_main) -> None:
    for name, labels in LABELS.items():
        write_label_png(tmp_path / "folder" / f"{name}.png", labels)
    pack(tmp_path / "folder", tiles, tmp_path / "s.zip")
    words = [tmp_path / "s.zip", "--dfc-root", tmp_path / "data"]
    assert run_main(main, *words)[0] == 0
    code, message = run_main(main, *words, "--classes", "loveda")
    assert code == 2
    assert "TestArea_002.png: expected label values 0..7 (scheme loveda), found 8" in message


def test_label_pngs_say_what_they_are(tmp_path) -> None:
    write_label_png(tmp_path / "a.png", LABELS["TestArea_002"])
    shifted = find_scheme("openearthmap", "+1")
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png", shifted), LABELS["TestArea_002"])
