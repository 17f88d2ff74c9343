import torch

from stage1_optical_da.prototype_alignment.pixel_memory import PixelMemory

VOID = 255


def remembered(memory: PixelMemory, count: int) -> list[list[float]]:
    vectors, labels = memory.newest(count)
    return [
        [float(v) for v, label in zip(vectors[c, :, 0], labels[c], strict=True) if label == c]
        for c in range(len(vectors))
    ]


def test_the_newest_pixels_of_each_class_stay_and_the_oldest_make_room() -> None:
    memory = PixelMemory(3, 4, 1)
    memory.add(torch.tensor([[1.0], [2.0], [3.0], [4.0]]), torch.tensor([0, 2, VOID, 0]))
    assert remembered(memory, 4) == [[4, 1], [], [2]]
    assert memory.filled.tolist() == [[True, True, False, False], [False] * 4, [True, False, False, False]]
    memory.add(torch.tensor([[5.0], [6.0], [7.0]]), torch.tensor([0, 0, 0]))
    assert remembered(memory, 4) == [[7, 6, 5, 4], [], [2]]
    assert remembered(memory, 2) == [[7, 6], [], [2]]


def test_of_more_pixels_than_there_is_room_for_the_last_are_kept() -> None:
    memory = PixelMemory(2, 3, 1)
    memory.add(torch.arange(10.0)[:, None], torch.tensor([0, 1] * 5))
    assert remembered(memory, 3) == [[8, 6, 4], [9, 7, 5]]
    memory.add(torch.arange(10.0, 15.0)[:, None], torch.zeros(5, dtype=torch.int64))
    assert remembered(memory, 9) == [[14, 13, 12], [9, 7, 5]]


def test_a_step_without_labels_changes_nothing() -> None:
    memory = PixelMemory(2, 3, 1)
    memory.add(torch.ones(4, 1), torch.full((4,), VOID))
    memory.add(torch.ones(0, 1), torch.zeros(0, dtype=torch.int64))
    assert memory.seen.tolist() == [0, 0] and not memory.filled.any()
    assert (memory.newest(2)[1] == VOID).all()
