"""Stages are what modules take that make coarser maps, or what a backbone returns."""

import pytest
import torch
from torch import nn

from texture_kd.stage_search import find_stages, named_stages

IMAGES = torch.zeros(1, 3, 64, 128)


def down(ours: int, theirs: int) -> nn.Module:
    return nn.Conv2d(ours, theirs, 3, 2, 1)


class Tower(nn.Module):
    """A backbone of a stride 2 a module, which returns what it is told to."""

    def __init__(self, returned=(1, 2, 3, 4)) -> None:
        super().__init__()
        widths = (3, 4, 6, 8, 10, 12)
        self.steps = nn.ModuleList(map(down, widths, widths[1:]))
        self.returned = returned

    def forward(self, x):
        maps = []
        for step in self.steps:
            x = step(x)
            maps.append(x)
        return tuple(maps[i] for i in self.returned) if self.returned else x


class TwoBranches(nn.Module):
    """A stem, a context branch that a detail branch is added to, and a fused map."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(down(3, 4), nn.ReLU(), down(4, 6), nn.ReLU())
        self.context = nn.ModuleList([down(6, 8), down(8, 8), down(8, 8)])
        self.detail = nn.Conv2d(6, 6, 3, padding=1)
        self.squeeze = nn.Conv2d(8, 6, 1)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.stem(x)
        fine = self.detail(x)
        for block in self.context:
            x = block(x)
            x += 1.0
            x = self.relu(x)
            coarse = nn.functional.interpolate(self.squeeze(x), fine.shape[2:])
            fine = fine + coarse
        return fine


class Patches(nn.Module):
    """A transformer: one map of patches, and what is made of them as tokens."""

    def __init__(self, tuples: bool) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 6, 16, 16)
        self.layer = nn.Linear(6, 6)
        self.tuples = tuples

    def forward(self, x):
        x = self.patches(x)
        tokens = self.layer(x.flatten(2).mT)
        last = tokens.mT.reshape(x.shape)
        return ((last, tokens[:, 0]),) if self.tuples else (last,)


def found(backbone, images=IMAGES, search=find_stages, last="backbone"):
    network = nn.ModuleDict({"backbone": backbone})
    return search(network, images, lambda: backbone(images), last)


def described(stages):
    return [(stage.source, stage.shape[1], stage.stride) for stage in stages]


def test_what_a_backbone_returns_goes_by_the_modules_that_made_it():
    assert described(found(Tower())) == [
        ("backbone.steps.1", 6, 4),
        ("backbone.steps.2", 8, 8),
        ("backbone.steps.3", 10, 16),
        ("backbone.steps.4", 12, 32),
    ]


def test_a_backbone_that_returns_one_map_has_its_stages_found():
    *stages, last = described(found(Tower(())))
    assert stages == described(found(Tower()))[:-1]
    assert last == ("backbone", 12, 32)


def test_blocks_behind_the_last_coarser_map_are_of_its_stage():
    class Rows(Tower):
        """Ends in blocks and in a decoder, as ERFNet does."""

        def __init__(self) -> None:
            super().__init__(())
            self.steps.extend(nn.Conv2d(12, 12, 1) for _ in range(2))
            self.side = nn.Conv2d(12, 12, 1)
            self.up = nn.ConvTranspose2d(12, 10, 2, 2)

        def forward(self, x):
            for step in self.steps:
                x = step(x)
            return self.up(self.side(x))

    assert described(found(Rows()))[-1] == ("backbone.steps.6", 12, 32)


def test_items_that_no_module_returns_go_by_their_places():
    class Scaled(Tower):
        def forward(self, x):
            return tuple(2 * x for x in super().forward(x))

    sources = [stage.source for stage in found(Scaled())]
    assert sources == [f"backbone:{i}" for i in range(4)]


def test_maps_of_one_size_are_stages_as_they_come():
    class Flat(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Conv2d(3, 4, 16, 16)
            self.blocks = nn.ModuleList(nn.Conv2d(4, 4, 1) for _ in range(3))

        def forward(self, x):
            x = self.embed(x)
            return [x := block(x) for block in self.blocks]

    assert [stage.stride for stage in found(Flat())] == [16] * 3


def test_branches_at_the_side_and_changes_in_place_are_passed_over():
    assert described(found(TwoBranches())) == [
        ("backbone.stem", 6, 4),
        ("backbone.context.1:input", 8, 8),
        ("backbone.context.2:input", 8, 16),
        ("backbone.context.2", 8, 32),
    ]


def test_a_module_that_runs_twice_is_no_stage():
    class Shared(Tower):
        def forward(self, x):
            self.steps[2](self.steps[1](self.steps[0](x)))
            return super().forward(x)

    sources = {stage.source.partition(":")[0] for stage in found(Shared(()))}
    assert not sources & {f"backbone.steps.{i}" for i in range(3)}


def test_a_network_without_maps_has_none():
    class Tokens(nn.Module):
        def forward(self, x):
            return x.flatten(1)

    assert found(Tokens()) == []


def test_named_stages():
    sources = ("backbone:1", "backbone.steps.4:input", "backbone.steps.4")
    with pytest.raises(ValueError, match="names 'backbone:1' twice"):
        found(Tower(), search=named_stages, last=("backbone:1", *sources))
    stages = found(Tower(), search=named_stages, last=sources)
    assert [stage.shape[1] for stage in stages] == [8, 10, 12]
    assert tuple(stage.source for stage in stages) == sources


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("backbone.step", "no module 'backbone.step'"),
        ("backbone", "'backbone' is no feature"),
        ("backbone:4", "backbone:3"),
    ],
)
def test_what_cannot_be_a_stage_is_named(source, said):
    with pytest.raises(ValueError, match=said):
        found(Tower(), search=named_stages, last=(source,))


def test_patches_are_no_stage_of_a_transformer():
    (stage,) = found(Patches(tuples=False))
    assert (stage.source, stage.stride) == ("backbone:0", 16)
    assert found(Patches(tuples=True)) == []
