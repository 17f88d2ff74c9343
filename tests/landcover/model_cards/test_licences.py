import pytest

from landcover.errors import InputError
from landcover.model_cards import licences
from landcover.model_cards.licences import Ingredient, data_set, published_weights
from landcover.networks.pretrained import PRETRAINED_WEIGHTS


@pytest.fixture
def table(monkeypatch, tmp_path):
    """Another file in the place of `configs/licences.toml`."""
    monkeypatch.setattr(licences, "TABLE", tmp_path / "licences.toml")
    licences._table.cache_clear()
    yield tmp_path / "licences.toml"
    licences._table.cache_clear()


@pytest.mark.parametrize("name", PRETRAINED_WEIGHTS)
def test_the_licence_of_all_published_weights_is_in_the_table_with_where_it_is_stated(name):
    found = published_weights(name)
    assert found.licence == PRETRAINED_WEIGHTS[name].licence and isinstance(found.commercial, bool)
    assert found.address.startswith("https://") and found.stated.startswith("https://")


def test_what_is_non_commercial_is_known_to_be():
    allowed = {name: published_weights(name).commercial for name in PRETRAINED_WEIGHTS}
    refused = {name for name, commercial in allowed.items() if not commercial}
    assert refused == {name for name in PRETRAINED_WEIGHTS if name.startswith(("mit_", "convnextv2_"))}
    assert data_set("openearthmap").commercial is False and data_set("demo").commercial is True


def test_where_a_licence_is_stated_names_the_weights():
    stated = published_weights("convnextv2_base.fcmae_ft_in22k_in1k_384").stated
    assert stated == "https://huggingface.co/timm/convnextv2_base.fcmae_ft_in22k_in1k_384"


def test_a_licence_that_nobody_states_is_not_known_and_neither_are_other_data():
    contest = data_set("dfc2025")
    assert (contest.licence, contest.commercial) == ("", None) and contest.source.startswith("https://zenodo.org/")
    assert data_set("my_city") == Ingredient("my_city")
    assert published_weights("mine.pth") == Ingredient("weights mine.pth")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("data = [", "Invalid|Unclosed|Unexpected"),
        ("[data.city]\ntitle = 'City'", "a data set with the keys title instead of licence, source, stated, title"),
    ],
)
def test_a_broken_table_is_refused_in_a_line(table, text, found):
    table.write_text(text)
    with pytest.raises(InputError, match=rf"^\S+licences\.toml: expected tables .*({found}).*; correct the file$"):
        data_set("city")


def test_own_data_are_one_more_entry(table):
    table.write_text(
        "[licences.MIT]\ncommercial = true\naddress = 'A'\n"
        "[data.city]\ntitle = 'City'\nlicence = 'MIT'\nsource = 'S'\nstated = 'T'\n"
    )
    assert data_set("city") == Ingredient("City", "S", "MIT", "T", True, "A")
