from __future__ import annotations

from pathlib import Path

from landcover.report.what_ran import files_table


def test_the_report_of_the_data_check_is_listed_where_the_stage_writes_it(tmp_path: Path) -> None:
    (tmp_path / "data_check").mkdir()
    (tmp_path / "data_check" / "report.json").touch()
    (tmp_path / "pseudo_labels").mkdir()
    for name in ("a.tif", "b.tif", "._a.tif"):
        (tmp_path / "pseudo_labels" / name).touch()
    table = files_table(tmp_path)
    assert "<code>data_check/report.json</code></th><td>1</td><td>what the check of the data has counted" in table
    assert "<code>pseudo_labels/*.tif</code></th><td>2</td>" in table
    assert "submission.zip" not in table
