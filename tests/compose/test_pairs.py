"""Which stages are compared with which."""

import itertools

import pytest

from texture_kd.compose.pairs import paired

STRIDES = (4, 8, 16, 32)


def test_as_many_stages_are_paired_in_their_order():
    assert paired([4, 8, 16, 32], [4, 8, 8, 8]) == [(i, i) for i in range(4)]


@pytest.mark.parametrize(
    ("ours", "theirs", "pairs"),
    [
        ([4, 8, 16], [4, 8, 16, 32], [(0, 0), (1, 1), (2, 2)]),
        ([8, 32], [4, 8, 16, 32], [(0, 1), (1, 3)]),
        # Of equal strides the deepest that leaves one for the rest.
        ([4, 8, 32], [4, 8, 8, 8], [(0, 0), (1, 2), (2, 3)]),
        ([16], [4, 8, 16, 32], [(0, 2)]),
    ],
)
def test_fewer_stages_get_those_of_the_nearest_stride(ours, theirs, pairs):
    assert paired(ours, theirs) == pairs
    assert paired(theirs, ours) == [(j, i) for i, j in pairs]


def test_pairs_are_in_order_and_use_each_stage_once():
    lists = [
        list(some)
        for n in range(1, 5)
        for some in itertools.combinations_with_replacement(STRIDES, n)
    ]
    for ours, theirs in itertools.product(lists, lists):
        pairs = paired(ours, theirs)
        assert len(pairs) == min(len(ours), len(theirs))
        for side in zip(*pairs, strict=True):
            assert list(side) == sorted(set(side))
