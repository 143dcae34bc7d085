"""Slow float64 reference: filters as lists of taps, convolutions as sums of rolls."""

import math

import numpy as np

Q1, Q2 = np.array([[1, -1], [1, 1]]), np.array([[1, 1], [-1, 1]])
R1, R2 = np.array([[1, 1], [0, 1]]), np.array([[1, -1], [0, 1]])
R3, R4 = np.array([[1, 0], [1, 1]]), np.array([[1, 0], [-1, 1]])
# Resampling, quincunx lattice, axis of the modulation, offset of the ladder.
LOWER = [
    (R1, Q1, 0, (1, 1)),
    (R2, Q2, 1, (1, 0)),
    (R3, Q2, 1, (1, 1)),
    (R4, Q1, 0, (0, 1)),
]


def convolve(x, taps, matrix):
    """Circular convolution of x with taps (centred) that stand on a lattice."""
    rows, columns = taps.shape
    y = np.zeros_like(x)
    for r, c in zip(*np.nonzero(taps), strict=True):
        shift = matrix @ np.array([r - rows // 2, c - columns // 2])
        y += taps[r, c] * np.roll(x, tuple(shift), (0, 1))
    return y


def read_at(x, offset):
    """x[n + offset] on the torus."""
    return np.roll(x, tuple(-np.asarray(offset)), (0, 1))


def multiply(a, b):
    """Full two-dimensional convolution of two arrays of taps."""
    out = np.zeros([p + q - 1 for p, q in zip(a.shape, b.shape, strict=True)])
    for (r, c), value in np.ndenumerate(b):
        out[r : r + a.shape[0], c : c + a.shape[1]] += value * a
    return out


def centred_sum(arrays):
    """Sum of arrays of taps of several odd sizes, with their centres aligned."""
    size = max(a.shape[0] for a in arrays)
    return sum(np.pad(a, (size - a.shape[0]) // 2) for a in arrays)


def maxflat_filters():
    """Spatial maximally flat diamond pair, by the McClellan transform."""
    k1 = k3 = 1 - math.sqrt(2)
    k2 = 1 / math.sqrt(2)
    h = [1 + k2 * k3 / 2, k2 / 2, k2 * k3 / 4]
    g = [
        1 + k1 * k2 / 2,
        -(k1 + k3) / 2 - 3 * k1 * k2 * k3 / 8,
        k1 * k2 / 4,
        -k1 * k2 * k3 / 8,
    ]
    n = 7
    high, low = np.array([-0.25, 0.5, -0.25]), np.array([0.25, 0.5, 0.25])

    def bernstein(i):
        taps = np.array([math.comb(n, i)], dtype=float)
        for factor in [high] * i + [low] * (n - i):
            taps = np.convolve(taps, factor)
        return taps

    diamond = sum(
        (1 if i + j < n else 0.5) * np.outer(bernstein(i), bernstein(j))
        for i in range(n + 1)
        for j in range(n + 1 - i)
    )
    one = np.ones((1, 1))
    b = centred_sum([2 * diamond, -one])

    def transform(coefficients):
        previous, current = one, b
        terms = [coefficients[0] * one]
        for coefficient in coefficients[1:]:
            terms.append(2 * coefficient * current)
            following = centred_sum([2 * multiply(b, current), -previous])
            previous, current = current, following
        return centred_sum(terms)

    return transform(h), transform(g)


def modulate(taps, *axes):
    out = taps.copy()
    for axis in axes:
        signs = (-1.0) ** (np.arange(taps.shape[axis]) - taps.shape[axis] // 2)
        out *= signs[:, None] if axis == 0 else signs
    return out


def dmaxflat_children(z, matrix, axis):
    """Two channels of a node, on the full grid, before sampling."""
    h, g = maxflat_filters()
    first = convolve(z, modulate(h, axis), matrix)
    second = convolve(z, modulate(modulate(g, 0, 1), axis), matrix)
    return first, read_at(second, matrix @ np.array([1, 0]))


def ladder_children(z, lattice, sampled, offset):
    """y0 and y1 of the ladder; its filter stands on the lattice of the children."""
    v = [0.6300, -0.1930, 0.0972, -0.0526, 0.0272, -0.0144]
    f = np.array(v[::-1] + v)
    f[0::2] *= -1
    ff = np.outer(f, f)
    p0, p1 = z, read_at(z, lattice @ np.array(offset))
    delayed = read_at(convolve(p1, ff, sampled), sampled @ np.array([-1, -1]))
    y0 = (p0 - delayed) / math.sqrt(2)
    return y0, -math.sqrt(2) * p1 - convolve(y0, ff, sampled)


def directional_tree(x, level, name):
    """All bands of the tree on the full grid, in the documented order."""
    nodes = [(x, np.eye(2, dtype=int))]
    for depth in range(level):
        children = []
        for index, (z, lattice) in enumerate(nodes):
            resampling, quincunx, axis, offset = np.eye(2, dtype=int), Q1, 1, (0, 1)
            if depth == 1:
                quincunx, offset = Q2, (1, 0)
            elif depth > 1:
                second_half = index >= len(nodes) // 2
                resampling, quincunx, axis, offset = LOWER[2 * second_half + index % 2]
            sampled = lattice @ resampling @ quincunx
            if name == "dmaxflat7":
                pair = dmaxflat_children(z, lattice @ resampling, axis)
            else:
                pair = ladder_children(z, lattice, sampled, offset)
                pair = pair if depth == 0 else pair[::-1]
            children += [(child, sampled) for child in pair]
        nodes = children
    half = len(nodes) // 2
    bands = [z for z, _ in nodes]
    return bands[:half] + bands[half:][::-1]


def sample(z, level, vertical):
    m = 2 ** (level - 1)
    if level == 1:
        y = z[0::2].copy()
        y[:, 1::2] = np.roll(z, 1, 0)[0::2, 1::2]
        return y
    return z[::m, ::2] if vertical else z[::2, ::m]
