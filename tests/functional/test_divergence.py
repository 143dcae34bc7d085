import pytest
import torch

from texture_kd.functional import channel_kl, pixel_kl


def test_equals_the_definition():
    z, w = torch.randn(2, 2, 5, 3, 4, dtype=torch.float64)
    p, q = (z / 3).softmax(1), (w / 3).softmax(1)
    expected = 9 * (p * (p.log() - q.log())).sum(1)
    torch.testing.assert_close(pixel_kl(z, w, 3.0), expected)


def test_is_zero_for_equal_distributions_and_positive_else():
    z = torch.randn(2, 5, 3, 4)
    shifted = z + torch.randn(2, 1, 3, 4)
    torch.testing.assert_close(
        pixel_kl(z, shifted), torch.zeros(2, 3, 4), rtol=0, atol=1e-6
    )
    assert (pixel_kl(z, torch.randn_like(z)) > 0).all()


def test_is_not_symmetric_and_weighs_by_the_teacher():
    sure = torch.tensor([20.0, 0.0]).reshape(1, 2, 1, 1)
    unsure = torch.zeros(1, 2, 1, 1)
    assert pixel_kl(sure, unsure).item() == pytest.approx(0.6931, abs=1e-3)
    assert pixel_kl(unsure, sure).item() == pytest.approx(9.307, abs=1e-3)


def test_gradient_keeps_its_size_as_the_temperature_grows():
    z = torch.randn(1, 4, 2, 2, dtype=torch.float64)
    w = torch.randn(1, 4, 2, 2, dtype=torch.float64, requires_grad=True)

    def gradient(temperature):
        return torch.autograd.grad(pixel_kl(z, w, temperature).sum(), w)[0]

    # Hinton's limit: the difference of the centred logits over the number of classes.
    limit = ((w - w.mean(1, keepdim=True)) - (z - z.mean(1, keepdim=True))) / 4
    torch.testing.assert_close(gradient(1e4), limit.detach(), rtol=0, atol=1e-3)


def test_gradcheck():
    z, w = torch.randn(2, 1, 3, 2, 2, dtype=torch.float64)
    z.requires_grad_()
    w.requires_grad_()
    assert torch.autograd.gradcheck(lambda z, w: pixel_kl(z, w, 2.0), (z, w))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_large_logits_of_low_precision_stay_finite(dtype):
    z = torch.tensor([6e4, -6e4, 0.0], dtype=dtype).reshape(1, 3, 1, 1)
    w = z.flip(1).clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        divergence = pixel_kl(z, w)
    assert divergence.dtype == torch.float32
    divergence.sum().backward()
    assert divergence.isfinite().all()
    assert w.grad.isfinite().all()
    same = pixel_kl(z, z)
    assert same.item() == 0


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_temperatures_must_be_positive(temperature):
    z = torch.zeros(1, 2, 1, 1)
    with pytest.raises(ValueError, match="positive temperature"):
        pixel_kl(z, z, temperature)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"\(1, 2, 4, 4\) and \(1, 3, 4, 4\)"):
        pixel_kl(torch.zeros(1, 2, 4, 4), torch.zeros(1, 3, 4, 4))


# Of each class, over positions.


def test_of_classes_equals_the_definition():
    z, w = torch.randn(2, 2, 5, 3, 4, dtype=torch.float64)
    p, q = ((x / 3).flatten(2).softmax(2) for x in (z, w))
    expected = 9 * (p * (p.log() - q.log())).sum(2)
    torch.testing.assert_close(channel_kl(z, w, 3.0), expected)


def test_of_classes_ignored_positions_are_cut_out():
    z, w = torch.randn(2, 1, 5, 6, 4, dtype=torch.float64)
    ignored = torch.zeros(1, 1, 6, 4, dtype=torch.bool)
    ignored[:, :, :2] = True
    expected = channel_kl(z[:, :, 2:], w[:, :, 2:])
    torch.testing.assert_close(channel_kl(z, w, ignored=ignored), expected)
    w.requires_grad_()
    everything = channel_kl(z, w, ignored=torch.ones_like(ignored))
    assert torch.equal(everything, torch.zeros_like(everything))
    everything.sum().backward()
    assert torch.equal(w.grad, torch.zeros_like(w))


def test_of_classes_gradcheck():
    z, w = torch.randn(2, 1, 3, 2, 2, dtype=torch.float64)
    ignored = torch.tensor([[True, False], [False, False]])[None, None]
    for given in (None, ignored):
        assert torch.autograd.gradcheck(
            lambda w, given=given: channel_kl(z, w, 2.0, given), w.requires_grad_()
        )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_of_classes_in_low_precision(dtype):
    z = 6e4 * torch.randn(1, 3, 2, 2).clamp(-1, 1).to(dtype)
    w = z.flip(1).clone().requires_grad_()
    divergence = channel_kl(z, w)
    assert divergence.dtype == torch.float32
    divergence.sum().backward()
    assert divergence.isfinite().all()
    assert w.grad.isfinite().all()


def test_of_classes_wrong_inputs_are_named():
    z = torch.zeros(1, 3, 2, 2)
    with pytest.raises(ValueError, match="positive temperature"):
        channel_kl(z, z, 0.0)
    with pytest.raises(ValueError, match="of one shape"):
        channel_kl(z, z[:, :2])
