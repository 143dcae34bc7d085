#!/usr/bin/env bash
# PyTorch 2.13.0 (CPU build, Python 3.11), torch.compile with Dynamo.
#
# A function marked with torch.compiler.assume_constant_result is run while a graph is
# made, with the values of its arguments. A NamedTuple that the compiled function is given
# arrives whole. One that the compiled function makes itself arrives as an instance of its
# class without any field: len() is 0 and attributes raise IndexError. Where the function
# unpacks it into another's arguments, that one silently takes its defaults, and the graph
# holds the constant of other options than those asked for. A plain
# tuple arrives whole.
#
# Seen:
#   eager              [3.0, 3.0]
#   given from outside [3.0, 3.0]
#   made inside        [4.0, 4.0]
#   fields that arrive 2, 0 and 2
#   plain tuple        [3.0, 3.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy
cat > "$folder/constant.py" <<'PYTHON'
from typing import NamedTuple

import torch


class Options(NamedTuple):
    depth: int
    name: str


arrived = []


def make(depth=4, name="default"):
    return torch.full((2,), float(depth))


@torch.compiler.assume_constant_result
def constant(options):
    arrived.append(len(options))
    return make(*options)


def outside(x, options):
    return x + constant(options)


def inside(x, depth):
    return x + constant(Options(depth, "mine"))


def plain(x, depth):
    return x + constant((depth, "mine"))


def compiled(function, *arguments):
    torch.compiler.reset()
    return torch.compile(function, backend="eager", fullgraph=True)(*arguments)


x = torch.zeros(2)
eager = inside(x, 3).tolist()
arrived.clear()
given = compiled(outside, x, Options(3, "mine")).tolist()
made = compiled(inside, x, 3).tolist()
tuples = compiled(plain, x, 3).tolist()
print("eager             ", eager)
print("given from outside", given)
print("made inside       ", made)
print("fields that arrive {}, {} and {}".format(*arrived))
print("plain tuple       ", tuples)
assert torch.__version__.startswith("2.13.0"), torch.__version__
assert eager == given == tuples == [3.0, 3.0]
assert made == [4.0, 4.0] and arrived == [2, 0, 2]
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/constant.py"
