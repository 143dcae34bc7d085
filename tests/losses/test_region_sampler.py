"""Regions are chosen where the self-similarity, and nothing else, varies."""

import pytest
import torch
from histogram_reference import self_similarity

from texture_kd.functional.region_sampling import SamplerOptions, sample_regions
from texture_kd.functional.regions import regions_of
from texture_kd.losses import own_random
from texture_kd.losses.region_sampler import RegionSampler

OPTIONS = SamplerOptions(regions=5, scales=(3, 5), ratios=(0.5, 1))


def features(dtype=torch.float32):
    """Noise of a strength that grows to the right, about a different mean a channel."""
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(2, 6, 14, 18, generator=generator)
    return (x * torch.linspace(0.2, 2, 18) + torch.arange(-2, 4)[:, None, None]).to(
        dtype
    )


def similarity(x):
    return torch.stack([self_similarity(y).view(y.shape[1:]) for y in x.double()])


def sampled(intensity, seed, steps=1, options=OPTIONS):
    words = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        word = torch.randint(2**62, (), generator=words).item()
    generator = torch.Generator().manual_seed(word)
    boxes = sample_regions(intensity, generator, options)
    return regions_of(boxes, tuple(intensity.shape[1:]))


def same(ours, expected):
    return torch.equal(ours.boxes, expected.boxes) and all(
        torch.equal(torch.as_tensor(a), torch.as_tensor(b))
        for a, b in zip(ours, expected, strict=True)
    )


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize(
    "options",
    [
        OPTIONS,
        SamplerOptions(),
        SamplerOptions(regions=4, oversampling=6, importance=1, scales=(4,)),
        SamplerOptions(regions=4, importance=0, scales=(4,), ratios=(1, 3)),
    ],
)
def test_the_regions_are_those_of_the_cosine_self_similarity(options, seed):
    x = features()
    ours = RegionSampler(options, seed)(x)
    assert same(ours, sampled(similarity(x), seed, options=options))
    assert len(ours.boxes) == 2 * options.regions


@pytest.mark.parametrize("other", [torch.mean, torch.norm, torch.std, torch.amax])
def test_another_map_gives_other_regions(other):
    x = features()
    assert not same(RegionSampler(OPTIONS, 0)(x), sampled(other(x, dim=1), 0))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_features_of_any_precision(dtype):
    x = features(dtype)
    assert same(RegionSampler(OPTIONS, 0)(x), sampled(similarity(x), 0))


def test_neither_unit_nor_memory_format_matters():
    x = features()
    expected = RegionSampler(OPTIONS, 0)(x)
    last = x.contiguous(memory_format=torch.channels_last)
    assert same(RegionSampler(OPTIONS, 0)(last), expected)
    assert same(RegionSampler(OPTIONS, 0)(1024 * x), expected)


def test_the_random_state_advances_in_training_only():
    x, sampler = features(), RegionSampler(OPTIONS, 0)
    first, second, third = (sampled(similarity(x), 0, steps) for steps in (1, 2, 3))
    assert not same(first, second)
    assert same(sampler(x), first)
    sampler.eval()
    assert same(sampler(x), second)
    assert same(sampler(x), second)
    sampler.train()
    assert same(sampler(x), second)
    assert same(sampler(x), third)


def test_a_state_dict_brings_the_random_state_back():
    x, sampler = features(), RegionSampler(OPTIONS, 0)
    sampler(x)
    state = sampler.state_dict()
    expected = [sampler(x) for _ in range(2)]
    resumed = RegionSampler(OPTIONS, 5)
    resumed.load_state_dict(state)
    for regions in expected:
        assert same(resumed(x), regions)
    # What was saved is not what goes on.
    sampler.load_state_dict(state)
    assert same(sampler(x), expected[0])


def test_processes_draw_regions_of_their_own_from_one_state(monkeypatch):
    x = features()
    first, second = RegionSampler(OPTIONS, 3), RegionSampler(OPTIONS, 3)
    alone = first(x)
    monkeypatch.setattr(own_random, "_rank", lambda: 1)
    assert not same(second(x), alone)
    states = [sampler.get_extra_state() for sampler in (first, second)]
    assert torch.equal(*states)


def test_without_a_seed_it_takes_pytorchs():
    x = features()
    torch.manual_seed(11)
    assert same(RegionSampler(OPTIONS)(x), RegionSampler(OPTIONS, 11)(x))


def test_pytorchs_random_numbers_stay_as_they_were():
    torch.manual_seed(4)
    before = torch.get_rng_state()
    sampler = RegionSampler(OPTIONS, 0)
    sampler(features())
    sampler.load_state_dict(sampler.state_dict())
    assert torch.equal(torch.get_rng_state(), before)


def test_no_gradient_is_kept():
    x = features().requires_grad_()
    assert not RegionSampler(OPTIONS, 0)(x).boxes.requires_grad
    assert not list(RegionSampler(OPTIONS, 0).parameters())
