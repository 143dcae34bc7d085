import pytest
import torch

from texture_kd.functional import gradient_penalty

SHAPE = (3, 2, 4, 5)


@pytest.fixture
def samples():
    return torch.randn(2, *SHAPE, dtype=torch.float64)


def test_a_linear_critic_has_the_slope_of_its_weights(samples):
    weight = torch.randn(SHAPE[1:], dtype=torch.float64)
    penalty = gradient_penalty(
        lambda x: (x * weight).sum((1, 2, 3)), *samples, torch.rand(3)
    )
    torch.testing.assert_close(penalty, (weight.norm() - 1) ** 2)


@pytest.mark.parametrize("mix", [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.25, 0.5, 1.0]])
def test_slopes_are_taken_between_the_samples(samples, mix):
    real, fake = samples
    # The slope of half the square is the point itself.
    penalty = gradient_penalty(
        lambda x: x.square().sum((1, 2, 3)) / 2, real, fake, torch.tensor(mix)
    )
    points = [m * r + (1 - m) * f for m, r, f in zip(mix, real, fake, strict=True)]
    expected = sum((point.norm() - 1) ** 2 for point in points) / 3
    torch.testing.assert_close(penalty, expected)


def test_it_teaches_the_critic_and_nobody_else(samples):
    real, fake = samples.unbind()
    real.requires_grad_()
    fake.requires_grad_()
    scale = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(SHAPE[1:], dtype=torch.float64)
    mix = torch.tensor([0.2, 0.5, 0.8])

    def penalty(scale):
        return gradient_penalty(
            lambda x: scale * (x.square() * weight).sum((1, 2, 3)), real, fake, mix
        )

    assert torch.autograd.gradcheck(penalty, scale)
    gradients = torch.autograd.grad(
        penalty(scale), (scale, real, fake), allow_unused=True
    )
    assert gradients[0] != 0
    assert gradients[1] is None
    assert gradients[2] is None


def test_a_flat_critic_has_a_penalty_and_no_direction(samples):
    scale = torch.zeros((), dtype=torch.float64, requires_grad=True)
    penalty = gradient_penalty(
        lambda x: scale * x.sum((1, 2, 3)), *samples, torch.rand(3)
    )
    assert penalty == 1
    (gradient,) = torch.autograd.grad(penalty, scale)
    assert gradient == 0


def test_it_can_be_computed_where_gradients_are_off(samples):
    with torch.no_grad():
        penalty = gradient_penalty(lambda x: 2 * x[:, 0, 0, 0], *samples, torch.rand(3))
    torch.testing.assert_close(penalty.item(), 1.0)


@pytest.mark.parametrize(
    ("fake", "mix"), [((3, 2, 4, 4), (3,)), ((2, 2, 4, 5), (3,)), (SHAPE, (2,))]
)
def test_samples_that_are_no_pairs_are_refused(fake, mix):
    with pytest.raises(ValueError, match=r"of one shape.*mix \(N,\), got \(3, 2, 4, 5"):
        gradient_penalty(
            lambda x: x.sum((1, 2, 3)),
            torch.zeros(SHAPE),
            torch.zeros(fake),
            torch.zeros(mix),
        )
