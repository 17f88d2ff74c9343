import numpy as np
import torch

from landcover.training.runner import build_runner


def dropped_and_weights(processes, training):
    """What dropout leaves of ones in the first layer that drops, and the weights of the last layer."""
    head = build_runner(training, processes).model.module.train().decode_head
    return head.dropout(torch.ones(1, 64, 4, 4)).flatten().numpy(), head.conv_seg.weight.detach().numpy()


def test_processes_drop_features_of_their_own_from_equal_networks(make_training, in_two_processes, tmp_path):
    (dropped, weights), (others, same) = in_two_processes(dropped_and_weights, make_training(tmp_path / "model"))
    assert np.isin(dropped, [0, 1.25]).all() and np.isin(others, [0, 1.25]).all()  # a fifth of the features is dropped
    assert not np.array_equal(dropped, others)
    np.testing.assert_array_equal(weights, same)
