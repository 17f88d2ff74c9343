import torch
from mmengine.registry import OPTIM_WRAPPERS
from torch import nn

from landcover.training.bf16_optim_wrapper import Bf16OptimWrapper


def test_the_forward_pass_is_bf16_and_weights_stay_fp32(registered):
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    wrapper = OPTIM_WRAPPERS.build({"type": "Bf16OptimWrapper", "optimizer": optimizer})
    assert isinstance(wrapper, Bf16OptimWrapper)
    assert model(torch.ones(2, 4)).dtype == torch.float32
    with wrapper.optim_context(model):
        output = model(torch.ones(2, 4))
    assert output.dtype == torch.bfloat16
    before = model.weight.detach().clone()
    wrapper.update_params(output.float().sum())
    # the gradient of the sum over two rows of ones is 2 everywhere
    torch.testing.assert_close(model.weight.detach(), before - 0.2)
    assert model.weight.dtype == torch.float32


def test_gradients_accumulate_as_in_the_plain_wrapper(registered):
    model = nn.Linear(1, 1, bias=False)
    wrapper = Bf16OptimWrapper(torch.optim.SGD(model.parameters(), lr=1.0), accumulative_counts=2)
    wrapper.initialize_count_status(model, 0, 4)
    start = float(model.weight.detach())
    for expected in (0.0, 1.0, 1.0, 2.0):
        with wrapper.optim_context(model):
            loss = model(torch.ones(1, 1)).float().sum()
        wrapper.update_params(loss)
        torch.testing.assert_close(start - float(model.weight.detach()), expected, atol=1e-6, rtol=0)
