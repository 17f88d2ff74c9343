import json
from collections.abc import Callable
from pathlib import Path

import pytest

from landcover.errors import InputError
from tools.benchmarks.stage1_parts import CONFIG, config_of


def test_one_side_has_the_parts_of_the_config_which_begin_at_once_and_the_other_has_none() -> None:
    assert config_of(CONFIG, parts=True).self_training.parts.alignment.begin == 1
    assert config_of(CONFIG, parts=False).self_training.parts == {}
    plain = CONFIG.with_name("teacher_segformer_efficientnet_lite0.py")
    with pytest.raises(InputError, match=f"{plain.name}: expected a teacher with self_training.parts, found none"):
        config_of(plain, parts=True)


def test_a_run_ends_in_a_json_line_of_ratios(run_benchmark: Callable[[str, str], str], tmp_path: Path) -> None:
    config = tmp_path / "teacher.py"
    config.write_text(f"_base_ = {str(CONFIG)!r}\ncrop_size = 64\n")
    printed = run_benchmark("stage1_parts", f"--config {config} --batch 1 --repeats 1 --threads 1 --tiles 2 --tile 96")
    result = json.loads(printed.splitlines()[-1])
    assert list(result) == ["ratio", "memory"] and all(value > 0 for value in result.values())
    assert "teacher, alignment; batch 1, 64 px" in printed
