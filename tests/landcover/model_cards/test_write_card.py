from landcover.model_cards.write_card import OURS, has_card, write_card


def test_a_card_is_written_anew_until_somebody_makes_it_his_own(trained):
    folder = trained()
    card = folder / "README.md"
    assert not has_card(folder) and write_card(folder) and has_card(folder)
    first = card.read_text()
    assert first.startswith(f"{OURS}\n\n# tiny\n")
    card.write_text(first + "changed, but not kept\n")
    assert write_card(folder) and card.read_text() == first
    card.write_text("# Our model\n")
    assert not write_card(folder) and card.read_text() == "# Our model\n"
