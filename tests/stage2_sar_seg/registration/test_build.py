import pytest
import torch

from landcover.errors import InputError
from stage2_sar_seg.registration.build import build_matcher
from stage2_sar_seg.registration.descriptor import DescriptorMatcher

CPU = torch.device("cpu")


def test_a_registered_matcher_is_built_with_settings():
    matcher = build_matcher("descriptor", CPU, search=9)
    assert isinstance(matcher, DescriptorMatcher)
    assert (matcher.search, matcher.patch) == (9, DescriptorMatcher().patch)


def test_an_unknown_name_is_told_with_the_known_ones():
    with pytest.raises(InputError, match=r"^REGISTER: expected one of none, .*descriptor.* found 'sift'; .* PLUGINS$"):
        build_matcher("sift", CPU)


def test_settings_that_a_matcher_does_not_take_are_told():
    with pytest.raises(InputError, match=r"^REGISTER: descriptor does not take these settings .*'colour'"):
        build_matcher("descriptor", CPU, colour=3)


def test_the_path_of_a_model_file_is_read_as_one(tmp_path):
    with pytest.raises(InputError, match=r"none\.pth"):
        build_matcher(str(tmp_path / "none.pth"), CPU)
    with pytest.raises(InputError, match=r"none\.zip: expected a trained model, found none"):
        build_matcher(str(tmp_path / "none.zip"), CPU)
    with pytest.raises(InputError, match=r"model\.pth brings its settings along, found others \(search\)"):
        build_matcher("model.pth", CPU, search=4)
