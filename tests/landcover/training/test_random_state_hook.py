from types import SimpleNamespace

import torch

from landcover.training.random_state_hook import RandomStateHook


def runner_of(rank=0, iteration=4):
    return SimpleNamespace(rank=rank, world_size=2, iter=iteration)


def test_the_first_step_after_a_resume_draws_what_would_have_come():
    checkpoint = {}
    torch.manual_seed(0)
    torch.rand(5)
    RandomStateHook().before_save_checkpoint(runner_of(), checkpoint)
    expected = [torch.rand(3), torch.rand(3)]
    torch.manual_seed(9)
    hook = RandomStateHook()
    hook.after_load_checkpoint(runner_of(), checkpoint)
    torch.rand(7)
    hook.before_train_iter(runner_of(), 4)
    first = torch.rand(3)
    hook.before_train_iter(runner_of(), 5)
    assert torch.equal(first, expected[0]) and torch.equal(torch.rand(3), expected[1])


def test_without_a_checkpoint_nothing_changes():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    hook = RandomStateHook()
    hook.before_train_iter(runner_of(), 0)
    hook.after_load_checkpoint(runner_of(), {})
    hook.before_train_iter(runner_of(), 1)
    assert torch.equal(torch.get_rng_state(), before)


def test_other_processes_draw_something_of_their_own():
    checkpoint = {}
    torch.manual_seed(0)
    RandomStateHook().before_save_checkpoint(runner_of(), checkpoint)
    draws = []
    for rank, iteration in ((0, 4), (1, 4), (1, 6), (1, 4)):
        torch.manual_seed(3)
        hook = RandomStateHook()
        hook.after_load_checkpoint(runner_of(), checkpoint)
        hook.before_train_iter(runner_of(rank, iteration), iteration)
        draws.append(float(torch.rand(())))
    assert draws[1] == draws[3] and len(set(draws)) == 3
