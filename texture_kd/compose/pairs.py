"""Which stages of a student are compared with which of its teacher."""

from collections.abc import Sequence

__all__ = ["paired"]


def paired(ours: Sequence[int], theirs: Sequence[int]) -> list[tuple[int, int]]:
    """Return pairs of stages.

    As many stages of both are paired in their order, whatever their strides. Otherwise
    each of those that are fewer gets the other's of the nearest stride, in their order
    and each once; of equal strides the deepest that leaves enough for the rest.

    Args:
        ours: strides of the student's stages, from the finest.
        theirs: strides of the teacher's.

    Returns:
        Indices of both, as many pairs as the shorter list has stages.
    """
    if len(ours) > len(theirs):
        return [(i, j) for j, i in paired(theirs, ours)]
    pairs: list[tuple[int, int]] = []
    first = 0
    for i, stride in enumerate(ours):
        last = len(theirs) - (len(ours) - i)
        j = min(
            range(first, last + 1),
            key=lambda j: (_apart(stride, theirs[j]), -j),
        )
        pairs.append((i, j))
        first = j + 1
    return pairs


def _apart(a: int, b: int) -> float:
    return max(a, b) / max(1, min(a, b))
