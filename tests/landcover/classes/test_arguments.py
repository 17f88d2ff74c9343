import argparse

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.classes.arguments import add_class_arguments, class_scheme


def parsed(*words: str) -> ClassScheme:
    parser = argparse.ArgumentParser()
    add_class_arguments(parser)
    return class_scheme(parser.parse_args(words))


def test_the_command_line_comes_before_the_environment(monkeypatch):
    monkeypatch.delenv("CLASSES", raising=False)
    monkeypatch.delenv("LABEL_VALUES", raising=False)
    assert parsed() == OPEN_EARTH_MAP and parsed().convention == OPEN_EARTH_MAP.convention
    monkeypatch.setenv("CLASSES", "loveda")
    monkeypatch.setenv("LABEL_VALUES", "255:0")
    assert (parsed().name, parsed().convention.pairs) == ("loveda", ((255, 0),))
    chosen = parsed("--classes", "whu_opt_sar", "--label-values=-1:0")
    assert (chosen.name, chosen.convention.pairs) == ("whu_opt_sar", ((-1, 0),))
    assert parsed("--label-values=").convention.pairs == ()
