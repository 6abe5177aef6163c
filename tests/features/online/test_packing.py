"""Lists of whole numbers come back as they were, in few bytes, or not at all."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fusionguard.features.online.packing import MOST_NUMBERS, pack, unpack

BOUNDS = [0, 127, 128, 255, 256, 2**15 - 1, 2**15, 2**16 - 1, 2**16, 2**31 - 1, 2**31, 2**63 - 1]
NUMBERS = some.one_of(some.sampled_from([*BOUNDS, *(-each - 1 for each in BOUNDS)]), some.integers(-(2**63), 2**63 - 1))


@given(some.lists(some.lists(NUMBERS, max_size=6), max_size=5), some.booleans())
def test_lists_come_back_as_they_were(lists: list[list[int]], doubled: bool) -> None:
    lists = lists * 2 if doubled else lists
    assert unpack(pack(lists)) == lists


@given(some.lists(some.lists(NUMBERS, min_size=1, max_size=6, unique=True).map(sorted), max_size=4))
def test_ascending_lists_come_back_as_they_were(lists: list[list[int]]) -> None:
    assert unpack(pack(lists, range(len(lists)))) == lists


def test_lists_that_were_the_same_are_lists_of_their_own() -> None:
    first, second = unpack(pack([[5, 9], [5, 9]]))
    first.append(7)
    assert second == [5, 9]


@pytest.mark.parametrize(
    ("numbers", "size"),
    [([], 3), ([1] * 500, 11), ([3, -4], 5), ([300, 2, 7], 9), ([70_000, 1], 11), ([2**40, 1], 19), ([2**40, 2**40 + 9], 13)],
)
def test_numbers_are_as_wide_as_they_need(numbers: list[int], size: int) -> None:
    assert len(pack([numbers], ascending=[0] if numbers == sorted(numbers) else [])) - 4 == size


def test_what_is_not_as_it_was_written_is_refused() -> None:
    content = pack([[1, 2, 3], [2**40, 5], [7] * 9])
    generator = random.Random(4)
    for _ in range(200):
        damaged = bytearray(content)
        damaged[generator.randrange(len(damaged))] ^= 1 << generator.randrange(8)
        with pytest.raises(ValueError, match="its checksum differs"):
            unpack(bytes(damaged))
    with pytest.raises(ValueError, match="its checksum differs"):
        unpack(content[:-1])
    with pytest.raises(ValueError, match=f"a list of {MOST_NUMBERS + 1} numbers, more than {MOST_NUMBERS}"):
        pack([range(MOST_NUMBERS + 1)])
