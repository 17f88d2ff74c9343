import numpy as np
import torch
from mmengine.runner import Runner
from torch import nn

from landcover.networks.timm_features import TimmFeatures
from landcover.training.runner import WholeBatchStatistics, build_runner


def dropped_and_weights(processes, training):
    """What dropout leaves of ones in the first layer that drops, and the weights of the last layer."""
    head = build_runner(training, processes).model.module.train().decode_head
    return head.dropout(torch.ones(1, 64, 4, 4)).flatten().numpy(), head.conv_seg.weight.detach().numpy()


def test_processes_drop_features_of_their_own_from_equal_networks(make_training, in_two_processes, tmp_path):
    (dropped, weights), (others, same) = in_two_processes(dropped_and_weights, make_training(tmp_path / "model"))
    assert np.isin(dropped, [0, 1.25]).all() and np.isin(others, [0, 1.25]).all()  # a fifth of the features is dropped
    assert not np.array_equal(dropped, others)
    np.testing.assert_array_equal(weights, same)


def test_norms_that_several_gpus_share_keep_their_activations(monkeypatch):
    monkeypatch.setattr(Runner, "wrap_model", lambda self, settings, model: model)
    model = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), TimmFeatures("efficientnet_lite0")).eval()
    images = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    before, names = model(images), list(model.state_dict())
    shared = WholeBatchStatistics.wrap_model(object.__new__(WholeBatchStatistics), None, model)
    norms = [module for module in shared.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    assert len(norms) == 49 and all(isinstance(norm, nn.SyncBatchNorm) for norm in norms)
    assert list(shared.state_dict()) == names
    for value, expected in zip(shared(images), before, strict=True):
        torch.testing.assert_close(value, expected)
