import sys

import pytest
import torch

from texture_kd.functional import band_correlation
from texture_kd.functional.contourlet import ContourletOptions, aligned_distance
from texture_kd.functional.contourlet.band_correlation import (
    band_moments,
    frequency_weights,
    real_spectra,
    standardised,
)

OPTIONS = ContourletOptions((3, 2))


def case(images=2, ours=3, theirs=7, size=(16, 24), dtype=torch.float64):
    torch.manual_seed(0)
    student = torch.randn(images, ours, *size, dtype=dtype, requires_grad=True)
    teacher = torch.randn(images, theirs, *size, dtype=dtype)
    mix = torch.randn(theirs, ours, dtype=dtype, requires_grad=True)
    return student, teacher, mix


def by_correlations(student, teacher, mix, weights=1.0):
    mixed = torch.einsum("dc,nchw->ndhw", mix, student)
    rho = band_correlation(mixed, teacher, *OPTIONS)
    return (weights * 2 * (1 - rho)).mean()


# Blocks of one channel, of some with a rest, and of all.
@pytest.mark.parametrize("blocks", [100, 3, 1])
@pytest.mark.parametrize("size", [(16, 24), (13, 21)])
def test_equals_the_correlations_whatever_the_blocks(monkeypatch, blocks, size):
    student, teacher, mix = case(size=size)
    module = "texture_kd.functional.contourlet.aligned_distance"
    monkeypatch.setattr(sys.modules[module], "_BLOCKS", blocks)
    monkeypatch.setattr(sys.modules[module], "_REALS", {"cpu": 1})
    found = aligned_distance(student, teacher, mix, OPTIONS)
    expected = by_correlations(student, teacher, mix)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)
    for a, b in zip(
        torch.autograd.grad(3 * found, (student, mix)),
        torch.autograd.grad(3 * expected, (student, mix)),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-15)


def test_bands_are_weighted():
    inputs = case()
    weights = torch.rand(12, dtype=torch.float64)
    found = aligned_distance(*inputs, OPTIONS, band_weights=weights)
    torch.testing.assert_close(found, by_correlations(*inputs, weights=weights))


def test_gradcheck():
    student, teacher, mix = case(1, 2, 3, (8, 8))
    options = ContourletOptions((2, 1))
    assert torch.autograd.gradcheck(
        lambda s, a: aligned_distance(s, teacher, a, options), (student, mix)
    )


def test_empty_bands_have_the_gradient_of_what_they_are_floored_to():
    student, teacher, _ = case(ours=3, theirs=3)
    # Hardly more than a slow wave is left of the second, and of the teacher's third.
    wave = torch.linspace(0, 2 * torch.pi, 25, dtype=torch.float64)[:-1].cos()
    with torch.no_grad():
        student[:, 1] = wave + 1e-4 * student[:, 1]
        teacher[:, 2] = wave + 1e-4 * teacher[:, 2]
    mix = torch.eye(3, dtype=torch.float64, requires_grad=True)
    weights = frequency_weights(student, OPTIONS)
    mixed = torch.einsum("dc,nchw->ndhw", mix, student)
    moments = band_moments(real_spectra(mixed), real_spectra(teacher), weights)
    bands = standardised(moments)
    assert (bands.shares[:, 1:] < 1).any()
    expected = (bands.shares.sum(0) - 2 * bands.correlation).mean()
    found = aligned_distance(student, teacher, mix, OPTIONS)
    torch.testing.assert_close(found, expected)
    for a, b in zip(
        torch.autograd.grad(found, (student, mix)),
        torch.autograd.grad(expected, (student, mix)),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


def test_tiny_features_are_told_apart():
    student, teacher, mix = (x.detach().float() for x in case())
    found = aligned_distance(1e-12 * student, 1e-12 * teacher, mix, OPTIONS)
    torch.testing.assert_close(found, aligned_distance(student, teacher, mix, OPTIONS))


@pytest.mark.parametrize("scale", [1e-19, 1e-20, 1e-30])
def test_features_of_next_to_nothing_have_finite_gradients(scale):
    student, teacher, mix = (x.detach().float() for x in case())
    student = (scale * student).requires_grad_()
    found = aligned_distance(student, teacher, mix, OPTIONS)
    (gradient,) = torch.autograd.grad(found, student)
    assert found.isfinite()
    assert gradient.isfinite().all()


def test_second_derivatives_are_refused():
    student, teacher, mix = case()
    distance = aligned_distance(student, teacher, mix, OPTIONS)
    with pytest.raises(RuntimeError, match="band_correlation"):
        torch.autograd.grad(distance, student, create_graph=True)


def test_nothing_is_kept_where_no_gradient_is_asked_for():
    student, teacher, mix = case()
    with torch.no_grad():
        found = aligned_distance(student, teacher, mix, OPTIONS)
    assert not found.requires_grad
    constants = student.detach(), teacher, mix.detach()
    assert not aligned_distance(*constants, OPTIONS).requires_grad
    torch.testing.assert_close(found, aligned_distance(*constants, OPTIONS))


def test_one_input_may_be_a_constant():
    student, teacher, mix = case()
    both = torch.autograd.grad(
        aligned_distance(student, teacher, mix, OPTIONS), (student, mix)
    )
    (of_student,) = torch.autograd.grad(
        aligned_distance(student, teacher, mix.detach(), OPTIONS), student
    )
    (of_mix,) = torch.autograd.grad(
        aligned_distance(student.detach(), teacher, mix, OPTIONS), mix
    )
    torch.testing.assert_close(both, (of_student, of_mix))
