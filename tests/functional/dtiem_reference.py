"""Slow reference of SSTKD's section 3.3: loops over numbers, one row of pixels each.

Levels are pairs of a centre and half the width of its window.
"""

import math
from fractions import Fraction
from itertools import pairwise


def half_up(value):
    return math.floor(value + Fraction(1, 2))


def cosine(a, b):
    """Each vector is divided by its length, or by 1e-12 where it is shorter."""
    lengths = (max(math.hypot(*v), 1e-12) for v in (a, b))
    return math.fsum(p * q for p, q in zip(a, b, strict=True)) / math.prod(lengths)


def self_similarity(pixels):
    mean = [math.fsum(channel) / len(pixels) for channel in zip(*pixels, strict=True)]
    return [cosine(pixel, mean) for pixel in pixels]


def uniform_levels(minimum, maximum, count):
    step = (maximum - minimum) / count
    half_width = 0.5 / count
    return [(step * n + minimum, half_width) for n in range(1, count + 1)]


def quantise(values, levels, kernel="intensity"):
    """Eq. 4: a row of the matrix for each level."""
    matrix = []
    for level, half_width in levels:
        matrix.append([])
        slope = 1 if kernel == "intensity" else 1 / half_width
        for value in values:
            distance = level - value
            caught = -half_width <= distance < half_width
            matrix[-1].append(1 - slope * abs(distance) if caught else 0)
    return matrix


def count_cells(values, edges):
    """A cell is open below and closed above, but for the first of all."""
    counts = []
    for cell, (lower, upper) in enumerate(pairwise(edges)):
        counts.append(0)
        for value in values:
            if lower < value <= upper or (cell == 0 and value == lower):
                counts[-1] += 1 - abs((lower + upper) / 2 - value)
    return counts


def requantise(counts, edges, alpha, delta=None):
    """Levels for the cells with a share below delta, and levels for the others."""
    number, total = len(counts) // 2, sum(counts)
    uniform = Fraction(1, 2 * number)
    rare, often = [], []
    for cell, count in enumerate(counts):
        share = count / total if total else uniform
        below = share < (uniform if delta is None else delta)
        (rare if below else often).append(cell)
    rare_levels = half_up(alpha * number)
    if not rare:
        rare_levels = 0
    if not often:
        rare_levels = number
    levels = []
    for group, size in ((rare, rare_levels), (often, number - rare_levels)):
        for j in range(size):
            place = Fraction(2 * j + 1, 2 * size) * len(group)
            cell = group[math.floor(place)]
            width = edges[cell + 1] - edges[cell]
            centre = edges[cell] + (place - math.floor(place)) * width
            levels.append((centre, Fraction(1, 2 * size)))
    return sorted(levels, key=lambda level: level[0])


def heuristic_levels(values, number, alpha, delta=None, steps=1):
    edges = [Fraction(k, 2 * number) for k in range(2 * number + 1)]
    levels = requantise(count_cells(values, edges), edges, alpha, delta)
    for _ in range(steps - 1):
        centres = [centre for centre, _ in levels]
        edges = [Fraction(0)]
        for n, centre in enumerate(centres):
            last = n + 1 == number
            edges += [centre, 1 if last else (centre + centres[n + 1]) / 2]
        levels = requantise(count_cells(values, edges), edges, alpha, delta)
    return levels


def clip_redistribute(counts, theta):
    """Eq. 5 and 6."""
    top = theta * max(counts)
    extra = math.fsum(max(count - top, 0) for count in counts)
    return [(top if count > top else count) + extra / len(counts) for count in counts]
