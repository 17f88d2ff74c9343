import pytest
import torch

from landcover.errors import InputError
from stage1_optical_da.prototype_alignment.label_grid import labels_on_grid

VOID = 255


def test_a_cell_gets_its_most_frequent_class_if_that_has_enough_of_it() -> None:
    rows = ["1112", "1122", "x333", "x345"]
    labels = torch.tensor([[[VOID if mark == "x" else int(mark) for mark in row] for row in rows]])
    assert labels_on_grid(labels, (2, 2), 8, 0.75).tolist() == [[[1, 2], [VOID, VOID]]]
    assert labels_on_grid(labels, (2, 2), 8, 0.5).tolist() == [[[1, 2], [3, 3]]]
    assert labels_on_grid(labels, (4, 4), 8, 1.0).tolist() == labels.tolist()
    assert labels_on_grid(labels, (1, 2), 8, 0.25).tolist() == [[[1, 2]]]


def test_cells_may_be_higher_than_wide_and_images_do_not_mix() -> None:
    labels = torch.stack([torch.full((6, 4), 2), torch.full((6, 4), VOID)])
    labels[0, 3:] = 5
    assert labels_on_grid(labels, (2, 2), 8, 0.75).tolist() == [[[2, 2], [5, 5]], [[VOID] * 2] * 2]


def test_features_that_do_not_divide_the_image_are_refused() -> None:
    with pytest.raises(InputError, match="whose size divides 10 x 8, that of the images, found 4 x 4; choose another"):
        labels_on_grid(torch.zeros(1, 10, 8, dtype=torch.int64), (4, 4), 8, 0.75)
