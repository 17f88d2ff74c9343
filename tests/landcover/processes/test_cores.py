import pytest

from landcover.processes.cores import usable_cores


@pytest.mark.parametrize(
    ("cores", "quota", "expected"),
    [
        (6, None, 6),
        (6, "max 100000\n", 6),
        (6, "400000 100000\n", 4),
        (6, "150000 100000\n", 1),
        (6, "50000 100000\n", 1),
        (6, "800000 100000\n", 6),
        (6, "nonsense", 6),
    ],
)
def test_usable_cores_are_bound_by_affinity_and_quota(machine, cores, quota, expected):
    machine(cores, quota)
    assert usable_cores() == expected
