from pathlib import Path

import pytest

from landcover.classes.scheme_file import find_scheme
from landcover.errors import InputError
from landcover.networks.pretrained import EFFICIENTNET_LITE0, PRETRAINED_WEIGHTS
from landcover.run_files.manifest import digest_text
from landcover.training.config import KEYS, load_config, network_to_train, pretrained_input

CONFIG = Path(__file__).parents[3] / "configs" / "stage2" / "segformer_mit-b3_768.py"


def write(path, **changes):
    """A complete config file; None removes a key."""
    values = {key: {} for key in KEYS if key not in ("self_training", "losses")}
    lines = [f"{key} = {value!r}\n" for key, value in {**values, **changes}.items() if value is not None]
    path.write_text("".join(lines))
    return path


def test_a_config_with_its_bases_is_read():
    config = load_config(CONFIG)
    assert (config.crop_size, config.iterations, config.pretrained) == (768, 160000, "mit_b3")
    assert config.sar.bands == 1
    assert config.optim_wrapper.optimizer.lr == 6e-5
    assert [loss.type for loss in config.losses] == ["SymmetricCrossEntropy", "LovaszSoftmax"]


def test_options_replace_values_of_any_depth_and_type():
    options = [
        "iterations=7",
        "optim_wrapper.optimizer.lr=1e-3",
        "train_dataloader.dataset.scale=(0.8, 1.2)",
        "train_dataloader.dataset.augmentations.0.transforms.1.p=0.25",
        "losses.0.beta=0.5",
        "pretrained=None",
        "model.backbone.type=MixVisionTransformer",
    ]
    config = load_config(CONFIG, options)
    assert (config.iterations, config.optim_wrapper.optimizer.lr, config.pretrained) == (7, 1e-3, None)
    assert config.train_dataloader.dataset.scale == (0.8, 1.2)
    transforms = config.train_dataloader.dataset.augmentations[0].transforms
    assert [transforms[0].p, transforms[1].p] == [0.5, 0.25]
    assert config.losses[0].beta == 0.5
    assert config.model.backbone.type == "MixVisionTransformer"
    assert load_config(CONFIG).iterations == 160000


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("iterations=two", r"option 'iterations=two': expected a whole number, found 'two'; correct it"),
        ("iterations=2.5", r"expected a whole number, found 2\.5; correct it"),
        ("checkpoint_interval=", r"option 'checkpoint_interval=': expected a whole number, found ''"),
        (
            "sar=decibel",
            r"option 'sar=decibel': expected a key behind sar \(.*unit.*\), found none; write sar\.KEY=VALUE",
        ),
        ("iteration=7", r"option 'iteration': the config has no key 'iteration' \(did you mean 'iterations'\?\)"),
        (
            "optim_wrapper.optimiser.lr=1",
            r"no key 'optimiser' \(did you mean 'optimizer'\?\); correct TEACHER_OPTIONS, SAR_OPTIONS",
        ),
        ("optim_wrapper.optimizer.rl=1", r"option 'optim_wrapper.optimizer.rl': the config has no key 'rl'"),
        ("losses.2.beta=1", r"option 'losses.2.beta': the config has no key '2'"),
        ("crop_size.x=1", r"option 'crop_size.x': the config has no key 'x'"),
        ("iterations", r"option 'iterations': expected key\.key=value, found no '='"),
    ],
)
def test_options_that_would_be_ignored_are_refused(option, message):
    with pytest.raises(InputError, match=message):
        load_config(CONFIG, [option])


def test_an_unknown_key_is_refused_with_the_nearest_known_one(tmp_path):
    with pytest.raises(InputError, match=r"a\.py: unknown key 'crop_sise' \(did you mean 'crop_size'\?\); known keys"):
        load_config(write(tmp_path / "a.py", crop_sise=3))
    with pytest.raises(InputError, match=r"a\.py: unknown key 'xyz'; known keys are checkpoint_interval, choose"):
        load_config(write(tmp_path / "a.py", xyz=3))


def test_a_missing_key_is_named_with_its_meaning(tmp_path):
    with pytest.raises(InputError, match=r"a\.py: missing key 'iterations' \(length of the training\)"):
        load_config(write(tmp_path / "a.py", iterations=None))
    assert "losses" not in load_config(write(tmp_path / "a.py"))


def test_a_config_of_the_other_stage_is_refused():
    assert load_config(CONFIG, stage=2).crop_size == 768
    with pytest.raises(InputError, match=r"mit-b3_768\.py: missing key 'self_training' \(stage 1 only"):
        load_config(CONFIG, stage=1)
    with pytest.raises(InputError, match=r"missing key 'matching' \(matchers only: .*; add it or its base file"):
        load_config(CONFIG, stage="registration")


def test_what_is_no_config_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"none\.py: expected a training config, found none; .*configs/stage1"):
        load_config(tmp_path / "none.py")
    (tmp_path / "broken.py").write_text("crop_size = = 3\n")
    with pytest.raises(InputError, match=r"broken\.py: not a usable config \(.*correct it") as refused:
        load_config(tmp_path / "broken.py")
    assert "\n" not in str(refused.value)
    (tmp_path / "base.py").write_text('_base_ = ["no_such_base.py"]\n')
    with pytest.raises(InputError, match=r"base\.py: not a usable config .*no_such_base"):
        load_config(tmp_path / "base.py")


def test_keys_with_defaults_may_have_some_values_of_their_own(tmp_path):
    defaults = tmp_path / "defaults.py"
    defaults.write_text("multimodal = dict(a=1, b=dict(c=2, d=[3]))\n")
    own = write(tmp_path / "own.py", multimodal={"b": {"c": 5}})
    assert load_config(CONFIG, ["multimodal.b.c=4"], defaults=defaults).multimodal == {"a": 1, "b": {"c": 4, "d": [3]}}
    assert load_config(own, ["multimodal.a=7"], defaults=defaults).multimodal == {"a": 7, "b": {"c": 5, "d": [3]}}
    for options in ([], ["multimodal.b.d=6"]):
        with pytest.raises(InputError, match=r"other\.py: multimodal\.b: unknown key 'cc' \(did you mean 'c'\?\); cor"):
            load_config(write(tmp_path / "other.py", multimodal={"b": {"cc": 5}}), options, defaults=defaults)
    with pytest.raises(InputError, match="the config has no key 'multimodal'"):
        load_config(CONFIG, ["multimodal.a=7"])


def test_without_weights_the_config_says_so():
    config = load_config(CONFIG)
    network = network_to_train(config, None)
    assert config.pretrained is None
    assert network == config.model and network is not config.model


def test_weights_are_filled_in_the_network_but_not_in_the_config(tmp_path):
    (tmp_path / PRETRAINED_WEIGHTS["mit_b3"].file).write_bytes(b"weights")
    config = load_config(CONFIG)
    network = network_to_train(config, tmp_path)
    assert network.backbone.checkpoint == str(tmp_path / PRETRAINED_WEIGHTS["mit_b3"].file)
    assert config.pretrained == "mit_b3" and "checkpoint" not in config.model.backbone
    assert pretrained_input(network) == {"pretrained": digest_text("weights")}


def test_weights_of_a_package_are_filled_in_and_their_digest_is_an_input(tmp_path):
    path = CONFIG.parents[1] / "demo" / "teacher_upernet_efficientnet_lite0.py"
    network = network_to_train(load_config(path, stage=1), tmp_path / "absent")
    assert network.backbone.checkpoint == str(EFFICIENTNET_LITE0.find())
    assert pretrained_input(network) == {"pretrained": EFFICIENTNET_LITE0.sha256}
    config = load_config(path, stage=1)
    assert pretrained_input(network_to_train(config, None)) == {} and config.pretrained is None


def test_random_weights_are_no_input():
    assert pretrained_input(network_to_train(load_config(CONFIG), None)) == {}


def test_missing_weights_are_told_before_training(tmp_path):
    with pytest.raises(InputError, match="mit_b3"):
        network_to_train(load_config(CONFIG), tmp_path)


def test_heads_have_as_many_outputs_as_there_are_classes(tmp_path):
    heads = [("decode_head", 7), ("auxiliary_head", 7)]
    config = load_config(CONFIG.with_name("upernet_swinv2-b_768.py"), scheme=find_scheme("loveda"))
    assert [(key, config.model[key].num_classes) for key, _ in heads] == heads
    assert load_config(CONFIG).model.decode_head.num_classes == 8
    with pytest.raises(
        InputError, match=r"model\.decode_head\.num_classes: expected 8 as the class scheme openearthmap"
    ):
        load_config(CONFIG, ["model.decode_head.num_classes=7"])
    config = load_config(CONFIG, ["model.decode_head.num_classes=7"], scheme=find_scheme("loveda"))  # the advice
    assert config.model.decode_head.num_classes == 7
