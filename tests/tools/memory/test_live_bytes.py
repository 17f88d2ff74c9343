import torch

from tools.memory.live_bytes import LiveBytes

KIB = 1024


def test_memory_counts_once_while_a_tensor_holds_it():
    with LiveBytes() as live:
        first = torch.zeros(256)
        assert live.now == KIB
        view = first[:10].add_(1.0)
        assert live.now == KIB
        second = first + 1.0
        assert live.now == 2 * KIB
        del first
        assert live.now == 2 * KIB  # the view holds it
        del view, second
        assert (live.now, live.peak) == (0, 2 * KIB)


def test_what_was_there_before_counts_when_it_is_read_or_added():
    weights = torch.ones(256)
    with LiveBytes() as live:
        assert live.now == 0
        live.add([weights, weights.view(16, 16)])
        assert (live.now, live.peak) == (KIB, KIB)
        images = weights.numpy()  # not an operation of torch
        product = weights * torch.from_numpy(images[:128].copy()).sum()
        assert live.now == 2 * KIB  # the copy was read, and is gone
        assert live.peak == 2 * KIB + 512 and product.shape == (256,)


def test_blocks_are_multiples_of_512_bytes():
    with LiveBytes() as live:
        tensors = [torch.zeros(1), torch.zeros(128), torch.zeros(129), torch.zeros(0)]
    assert live.now == 512 + 512 + 1024 + 0
    assert len(tensors) == 4


def test_what_the_backward_pass_needs_is_alive_until_it_is_done():
    weight = torch.ones(256, requires_grad=True)
    with LiveBytes() as live:
        live.add([weight])
        loss = (weight.exp() * 2).square().sum()
        assert live.now == 3 * KIB + 512  # the weight, its exponential, twice that, the loss
        loss.backward()
        del loss
        assert live.now == 2 * KIB  # the weight and its gradient
    assert live.peak > 4 * KIB
