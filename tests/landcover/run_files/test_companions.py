from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import rasterio
from sar_scenes import write_scene

from landcover.run_files.companions import finder
from landcover.run_files.manifest import digest, digest_all

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

STATISTICS = (
    '<PAMDataset><PAMRasterBand band="1"><Histograms><HistItem><HistMin>0</HistMin></HistItem></Histograms><Metadata>'
    '<MDI key="STATISTICS_MEAN">57</MDI></Metadata></PAMRasterBand></PAMDataset>'
)


def virtual(path: Path, source: str, relative: int = 1) -> Path:
    path.write_text(
        '<VRTDataset rasterXSize="4" rasterYSize="4"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        f'<SourceFilename relativeToVRT="{relative}">{source}</SourceFilename><SourceBand>1</SourceBand>'
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )
    return path


def scene(path: Path, value: int = 1) -> Path:
    return write_scene(path, np.full((4, 4), value, np.uint8))


def value_of(path: Path) -> int:
    with rasterio.open(path) as file:
        return int(file.read(1)[0, 0])


def test_a_file_alone_has_the_digest_of_its_bytes(tmp_path: Path) -> None:
    path = scene(tmp_path / "a.tif")
    for name in ("a.tif.ovr", "b.tif.aux.xml", "b.tfw", "a.txt"):
        (tmp_path / name).write_text("other")
    assert digest(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_virtual_raster_changes_with_its_source_by_whatever_path_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "data" / "ä 1.tif"
    scene(source, 1)
    virtuals = [
        virtual(tmp_path / "relative.vrt", "data/ä 1.tif"),
        virtual(tmp_path / "absolute.VRT", str(source), 0),
        virtual(tmp_path / "here.vrt", "data/ä 1.tif", 0),
        virtual(tmp_path / "nested.vrt", "relative.vrt"),
        virtual(tmp_path / "named_otherwise.tif", "data/ä 1.tif"),
    ]
    before = [digest(path) for path in virtuals]
    assert [value_of(path) for path in virtuals] == [1] * 5
    assert before == [digest(path) for path in virtuals]
    scene(source, 2)
    assert [value_of(path) for path in virtuals] == [2] * 5
    assert not set(before) & {digest(path) for path in virtuals}


def test_a_virtual_raster_that_names_itself_or_nothing_of_this_machine_has_a_digest(tmp_path: Path) -> None:
    virtual(tmp_path / "a.vrt", "b.vrt")
    virtual(tmp_path / "b.vrt", "a.vrt")
    remote = virtual(tmp_path / "c.vrt", "/vsicurl/http://example.org/a.tif", 0)
    assert len(digest(tmp_path / "a.vrt")) == 64
    assert finder()(remote).texts == ("/vsicurl/http:/example.org/a.tif",)
    (tmp_path / "d.vrt").write_text("<VRTDataset")
    assert finder()(tmp_path / "d.vrt").files == ()


@pytest.mark.parametrize(
    "name", ["a.tif.msk", "a.tif.MSK", "a.tfw", "a.TFW", "a.tifw", "a.wld", "a.hdr", "a.RPB", "a_RPC.TXT"]
)
def test_a_sidecar_that_changes_the_meaning_counts(tmp_path: Path, name: str) -> None:
    path = scene(tmp_path / "a.tif")
    alone = digest(path)
    (tmp_path / name).write_text("1")
    first = digest(path)
    (tmp_path / name).write_text("2")
    assert len({alone, first, digest(path)}) == 3


def test_of_an_aux_file_only_what_changes_the_meaning_counts(tmp_path: Path) -> None:
    path, aux = scene(tmp_path / "a.tif"), tmp_path / "a.tif.aux.xml"
    alone = digest_all([path])
    aux.write_text(STATISTICS)
    assert digest_all([path]) == alone
    found = set()
    for value in (1, 2):
        nodata = f"<NoDataValue>{value}</NoDataValue><Histograms>"
        aux.write_text(STATISTICS.replace("<Histograms>", nodata))
        with rasterio.open(path) as file:
            assert file.nodata == value
        found.add(digest_all([path]))
    assert len(found - {alone}) == 2
    aux.write_text("no xml")
    assert digest_all([path]) not in {alone, *found}
