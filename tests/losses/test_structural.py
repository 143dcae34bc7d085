import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from fidelity import fidelity
from hypothesis import given, settings
from hypothesis import strategies as st
from mmrazor.registry import MODELS
from torch import nn

import texture_kd.components  # noqa: F401
from texture_kd.functional import contourlet, laplacian_pyramid, valid_area
from texture_kd.losses import CDMLoss

NORMALISE = ["correlation", "subband", "none"]


def stacks(feature, levels=(4, 3), filters=()):
    bands = contourlet(feature, levels, *filters)
    return [s for level in bands.directional for s in level.stacks]


def rolled(*features, steps=8):
    """All shifts of features, over which the loss is a mean, put side by side."""
    shifts = list(itertools.product(range(steps), repeat=2))
    return [torch.stack([x.roll(s, (2, 3)) for s in shifts]) for x in features]


def identity_loss(channels, **options):
    """A loss whose align layer changes nothing, in float64."""
    loss = CDMLoss(channels, channels, **options).double()
    nn.init.dirac_(loss.align.weight)
    return loss


def wave(row, column, size=(64, 64)):
    """Unit plane wave, by its numbers of cycles along the rows and the columns."""
    rows, columns = (torch.arange(n, dtype=torch.float64) / n for n in size)
    phase = 2 * math.pi * (row * rows[:, None] + column * columns[None])
    return math.sqrt(2) * torch.cos(phase)[None, None]


def test_is_built_by_the_registry_and_weighted():
    torch.manual_seed(0)
    loss = MODELS.build(
        dict(
            type="CDMLoss",
            student_channels=3,
            teacher_channels=5,
            levels=[3],
            pyramid="9-7",
            directional="pkva",
            normalise="none",
            loss_weight=2.0,
        )
    )
    s, t = torch.randn(2, 3, 16, 16), torch.randn(2, 5, 16, 16)
    error = rolled(t - loss.align(s), steps=4)[0].flatten(0, 1)
    bands = stacks(error, (3,), ("9-7", "pkva"))
    expected = 2 * torch.stack([e.square().mean() for e in bands]).mean()
    torch.testing.assert_close(loss(s, t), expected)


def band_by_band(s, t, normalise):
    """The definition, from the bands of a filter bank, over all shifts.

    Channel by channel where channels are standardised, otherwise image by image.
    """
    missing = [(0, -x.shape[3] % 8, 0, -x.shape[2] % 8) for x in (s, t)]
    s, t = (F.pad(x, m, mode="replicate") for x, m in zip((s, t), missing, strict=True))
    s, t = rolled(s, t)
    kept = 2 if normalise == "correlation" else 1
    total, count = 0.0, 0
    for a, b in zip(
        *(stacks(x.flatten(0, 1)) for x in (s, t)),
        strict=True,
    ):
        # Shifts, images, channels, bands and positions; one group is standardised.
        a, b = (x.unflatten(0, (64, -1)).movedim(kept, 0).movedim(3, 1) for x in (a, b))
        for i, k in itertools.product(range(len(a)), range(a.shape[1])):
            x, y = a[i, k], b[i, k]
            if normalise == "correlation":
                x, y = (z / z.square().mean().sqrt() for z in (x, y))
            error = (x - y).square().mean()
            if normalise == "subband":
                error = error / y.square().mean()
            total, count = total + error, count + 1
    return total / count


@pytest.mark.parametrize("normalise", NORMALISE)
@settings(max_examples=5, deadline=None)
@given(
    channels=st.integers(1, 3),
    height=st.integers(6, 20),
    width=st.integers(6, 20),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_the_definition(normalise, channels, height, width, seed):
    torch.manual_seed(seed)
    s, t = torch.randn(2, 2, channels, height, width, dtype=torch.float64)
    t = t * torch.tensor([1.0, 7.0]).reshape(2, 1, 1, 1)
    loss = identity_loss(channels, normalise=normalise)(s, t)
    torch.testing.assert_close(loss, band_by_band(s, t, normalise))


@pytest.mark.parametrize("normalise", NORMALISE)
def test_is_zero_for_the_feature_itself_whatever_its_mean(normalise):
    t = torch.randn(1, 2, 32, 32, dtype=torch.float64)
    loss = identity_loss(2, normalise=normalise)
    assert abs(loss(t + 3, t).item()) < 1e-14
    assert loss(-t, t).item() > 0.5
    loss = CDMLoss(2, 6, normalise=normalise).double()
    assert abs(loss(t + 3, loss.align(t)).item()) < 1e-14


def test_plain_l2_knows_nothing_of_direction_and_subbands_do():
    # The teacher's texture is strong along one direction and weak along another. The
    # student errs by one small wave along either: errors of equal energy.
    strong, weak = wave(4, 16), wave(16, 4)
    teacher = strong + 0.1 * weak

    def ratio(normalise):
        """Cost of the error along the weak direction over that along the strong."""
        loss = identity_loss(1, normalise=normalise)
        along_weak = loss(teacher + 0.05 * weak, teacher)
        return (along_weak / loss(teacher + 0.05 * strong, teacher)).item()

    # A nearly orthogonal bank keeps energy within its Riesz bounds of .853 and 1.172.
    assert 0.85 < ratio("none") < 1.18
    assert ratio("subband") > 10


def test_plain_l2_is_nearly_that_of_the_band_pass_images():
    error = torch.randn(1, 4, 64, 64, dtype=torch.float64)
    zero = torch.zeros_like(error)
    loss = identity_loss(4, levels=(4,), normalise="none")(error, zero)
    band_pass = laplacian_pyramid(error).high.square().mean()
    assert loss.item() == pytest.approx(band_pass.item(), rel=0.03)


def test_subband_loss_is_free_of_contrast_of_both():
    s, t = torch.randn(2, 1, 2, 32, 32, dtype=torch.float64)
    loss = identity_loss(2, normalise="subband")
    torch.testing.assert_close(loss(s, t), loss(100 * s, 100 * t))


def test_correlation_is_free_of_contrast_of_either_and_of_any_channel():
    s, t = torch.randn(2, 1, 2, 32, 32, dtype=torch.float64)
    loss = identity_loss(2)
    loud = torch.tensor([1.0, 1e3], dtype=torch.float64)[:, None, None]
    torch.testing.assert_close(loss(s, t), loss(0.1 * loud.flip(0) * s, 100 * loud * t))
    assert 0 < loss(s, t) < loss(-t, t)
    torch.testing.assert_close(loss(-t, t).item(), 4.0)


def test_one_weight_serves_every_resolution_and_number_of_channels():
    s, t = torch.randn(2, 1, 2, 32, 32, dtype=torch.float64)
    for normalise in NORMALISE:
        small = identity_loss(2, normalise=normalise)(s, t)
        tiled = (z.repeat(2, 3, 2, 1) for z in (s, t))
        large = identity_loss(6, normalise=normalise)(*tiled)
        torch.testing.assert_close(large, small)


@pytest.mark.parametrize("normalise", NORMALISE)
@pytest.mark.parametrize("size", [(8, 8), (13, 21), (32, 16)])
def test_the_student_is_brought_to_the_grid_of_the_teacher(size, normalise):
    loss = CDMLoss(3, 5, normalise=normalise)
    s, t = torch.randn(2, 3, *size), torch.randn(2, 5, 19, 32)
    resized = F.interpolate(s, (19, 32), mode="bilinear", align_corners=False)
    torch.testing.assert_close(loss(s, t), loss(resized, t))


@pytest.mark.parametrize("normalise", NORMALISE)
def test_gradient_flows_into_student_and_align_only(normalise):
    loss = CDMLoss(3, 5, normalise=normalise)
    s, t = torch.randn(1, 3, 8, 8), torch.randn(1, 5, 16, 16)
    s.requires_grad_()
    t.requires_grad_()
    loss(s, t).backward()
    assert s.grad.abs().sum() > 0
    assert loss.align.weight.grad.abs().sum() > 0
    assert t.grad is None
    assert [name for name, _ in loss.named_parameters()] == ["align.weight"]


@pytest.mark.parametrize("normalise", NORMALISE)
@pytest.mark.parametrize(("channels", "teacher_channels"), [(2, 7), (5, 2), (2, 4)])
def test_gradients_are_those_of_the_bands_of_the_aligned_student(
    normalise, channels, teacher_channels
):
    torch.manual_seed(0)
    loss = CDMLoss(channels, teacher_channels, normalise=normalise).double()
    s = torch.randn(2, channels, 8, 16, dtype=torch.float64, requires_grad=True)
    t = torch.randn(2, teacher_channels, 8, 16, dtype=torch.float64)
    inputs = s, loss.align.weight
    expected = torch.autograd.grad(band_by_band(loss.align(s), t, normalise), inputs)
    torch.testing.assert_close(torch.autograd.grad(loss(s, t), inputs), expected)


@pytest.mark.parametrize("channels", [2, 5])
def test_the_order_of_features_in_memory_makes_no_difference(channels):
    torch.manual_seed(0)
    loss = CDMLoss(channels, 5)
    s, t = torch.randn(2, channels, 16, 24), torch.randn(2, 5, 16, 24)
    found = []
    for order in (torch.contiguous_format, torch.channels_last):
        x = s.to(memory_format=order).requires_grad_()
        inputs = x, loss.align.weight
        value = loss(x, t.to(memory_format=order))
        found.append([value, *torch.autograd.grad(value, inputs)])
    torch.testing.assert_close(*found)


def test_float32_tells_a_thousandth_of_the_teacher():
    torch.manual_seed(0)
    loss = CDMLoss(4, 16)
    s = torch.randn(1, 4, 32, 32)
    t = loss.align(s).detach()
    s = (s + 1e-3 * torch.randn_like(s)).requires_grad_()
    (found,) = torch.autograd.grad(loss(s, t), s)
    double = s.detach().double().requires_grad_()
    (exact,) = torch.autograd.grad(loss.double()(double, t.double()), double)
    assert (found - exact).norm() < 1e-2 * exact.norm()


@pytest.mark.parametrize("normalise", NORMALISE)
def test_gradcheck(normalise):
    loss = identity_loss(1, levels=(2,), normalise=normalise)
    s, t = torch.randn(2, 1, 1, 4, 4, dtype=torch.float64)
    s.requires_grad_()
    assert torch.autograd.gradcheck(lambda s: loss(s, t), s)


@pytest.mark.parametrize("normalise", NORMALISE)
@pytest.mark.parametrize("value", [0.0, 3.0])
@pytest.mark.parametrize("student_is_flat", [False, True])
def test_flat_features_give_finite_losses_and_gradients(
    value, student_is_flat, normalise
):
    loss = CDMLoss(2, 2, normalise=normalise)
    s = torch.zeros(1, 2, 16, 16) if student_is_flat else torch.randn(1, 2, 16, 16)
    s.requires_grad_()
    result = loss(s, torch.full((1, 2, 16, 16), value))
    result.backward()
    assert result.isfinite()
    assert s.grad.isfinite().all()
    assert loss.align.weight.grad.isfinite().all()
    if student_is_flat:
        assert result.item() < 1e-6
    assert s.grad.abs().max() < 1e3


def test_empty_bands_are_floored_by_the_level_of_their_own_image():
    texture = torch.randn(1, 1, 32, 32, dtype=torch.float64)
    loss = identity_loss(1, normalise="subband")
    flat = torch.full_like(texture, 10.0)
    alone = loss(flat + texture, flat)
    # With a floor of 0.1 % of 10, the error's energy is divided by 0.0001.
    plain = identity_loss(1, normalise="none")(flat + texture, flat)
    torch.testing.assert_close(alone, 1e4 * plain)
    other = 1e4 * texture
    pair = loss(torch.cat([flat + texture, other]), torch.cat([flat, other]))
    torch.testing.assert_close(pair, alone / 2)


def test_rounding_errors_of_a_constant_channel_are_not_blown_up():
    torch.manual_seed(0)
    t = torch.randn(1, 2, 16, 16)
    s = t.clone()
    t[:, 1], s[:, 1] = 1e3 + 1e-4 * t[:, 1], 1e3
    loss = CDMLoss(2, 2)
    nn.init.dirac_(loss.align.weight)
    s.requires_grad_()
    loss(s, t).backward()
    assert loss(s, t).item() < 1e-3
    assert s.grad[:, 1].norm() < 1


@pytest.mark.parametrize("normalise", NORMALISE)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_low_precision_features_are_compared_in_float32(dtype, normalise):
    loss = CDMLoss(3, 4, normalise=normalise)
    s, t = (
        torch.randn(1, 3, 16, 16).to(dtype),
        300 * torch.randn(1, 4, 16, 16).to(dtype),
    )
    with torch.autocast("cpu", torch.bfloat16):
        found = loss(s, t)
    assert found.dtype == torch.float32
    assert torch.equal(found, loss(s.float(), t.float()))


@pytest.mark.parametrize("normalise", NORMALISE)
def test_training_the_align_layer_alone_finds_the_mix_of_channels(normalise):
    torch.manual_seed(0)
    s = torch.randn(2, 2, 16, 16)
    mix = torch.tensor([[1.0, 2.0], [-1.0, 0.5], [0.3, 0.3]])
    t = torch.einsum("dc,nchw->ndhw", mix, s)
    loss = CDMLoss(2, 3, levels=(3,), normalise=normalise)
    optimiser = torch.optim.LBFGS(loss.parameters(), max_iter=60)

    def closure():
        optimiser.zero_grad()
        value = loss(s, t)
        value.backward()
        return value

    optimiser.step(closure)
    assert loss(s, t).item() < 1e-6


@pytest.mark.parametrize(
    ("student", "teacher", "message"),
    [
        ((1, 4, 8, 8), (1, 5, 8, 8), "3 channels from the student.*student_channels=4"),
        ((1, 3, 8, 8), (1, 6, 8, 8), "5 channels from the teacher.*teacher_channels=6"),
        ((3, 8, 8), (1, 5, 8, 8), r"from the student.*\(3, 8, 8\)"),
        ((1, 3, 8, 8), (5, 8, 8), r"from the teacher.*\(5, 8, 8\)"),
        ((2, 3, 8, 8), (1, 5, 8, 8), "as many images.*got 2 and 1"),
    ],
)
def test_features_that_do_not_fit_are_refused(student, teacher, message):
    with pytest.raises(ValueError, match=message):
        CDMLoss(3, 5)(torch.zeros(student), torch.zeros(teacher))


@pytest.mark.parametrize(
    "options",
    [{"normalise": "band"}, {"levels": ()}, {"pyramid": "db2"}, {"directional": "x"}],
)
def test_unknown_options_are_refused(options):
    with pytest.raises(ValueError, match="expected"):
        CDMLoss(3, 5, **options)


def test_what_stands_for_a_former_option_is_named():
    message = "'feature' is gone.*'subband' or 'correlation'"
    with pytest.raises(ValueError, match=message):
        CDMLoss(3, 5, normalise="feature")


def test_level_weights_are_factors_of_the_scales():
    s, t = torch.randn(2, 2, 3, 32, 48, dtype=torch.float64)

    def loss(*weights):
        return identity_loss(3, levels=(3, 2), level_weights=weights)(s, t)

    torch.testing.assert_close(
        2 * loss(1, 0) + 0.5 * loss(0, 1), loss(2, 0.5), rtol=1e-12, atol=0
    )
    torch.testing.assert_close(loss(1, 1), identity_loss(3, levels=(3, 2))(s, t))
    # Eight bands and four: the mean is over all twelve.
    finest = stacks(rolled(t - s, steps=4)[0].flatten(0, 1), (3, 2))[:2]
    raw = identity_loss(3, levels=(3, 2), level_weights=(1, 0), normalise="none")(s, t)
    expected = sum(e.square().mean((0, 1, 3, 4)).sum() for e in finest) / 12
    torch.testing.assert_close(raw, expected)


def test_there_is_one_weight_for_each_level():
    with pytest.raises(ValueError, match=r"levels \(4, 3\).*level_weights=\(1.0,\)"):
        CDMLoss(3, 5, level_weights=[1.0])


@pytest.mark.parametrize("normalise", NORMALISE)
def test_weights_of_levels_are_for_the_losss_own(normalise):
    options = dict(levels=(3, 2), normalise=normalise)
    loss = identity_loss(3, **options, level_weights=(1, 2))
    s, t = torch.randn(2, 2, 3, 32, 48, dtype=torch.float64)
    torch.testing.assert_close(loss.distance(s, t, None, loss.options), loss(s, t))
    other = loss.options._replace(levels=(2,))
    with pytest.raises(ValueError, match=r"levels \(3, 2\).*got \(2,\)"):
        loss.distance(s, t, None, other)
    identity_loss(3, **options).distance(s, t, None, other)


@pytest.mark.parametrize("normalise", NORMALISE)
@pytest.mark.parametrize("size", [(16, 24), (9, 11)])
def test_padding_has_no_influence_and_no_gradient(normalise, size):
    torch.manual_seed(0)
    loss = CDMLoss(3, 5, normalise=normalise)
    s, t = torch.randn(2, 3, *size), torch.randn(2, 5, 16, 24)
    valid = torch.ones(2, 1, 64, 96, dtype=torch.bool)
    valid[0, :, 41:] = False
    ours, theirs = (valid_area(valid, 2, tuple(x.shape[2:])) for x in (s, t))
    s.requires_grad_()
    found = loss(s, t, valid)
    spoilt = torch.where(ours, s, torch.inf), torch.where(theirs, t, torch.nan)
    assert torch.equal(loss(*spoilt, valid), found)
    found.backward()
    assert torch.equal(s.grad.masked_fill(ours, 0), torch.zeros_like(s))
    assert loss(s, t).item() != found.item()
    everything = torch.ones_like(valid)
    torch.testing.assert_close(loss(s, t, everything), loss(s, t))


def test_energies_are_means_over_valid_positions():
    torch.manual_seed(0)
    s, t = torch.randn(2, 1, 2, 64, 64, dtype=torch.float64)
    larger = (F.pad(x, (0, 64), value=9.0) for x in (s, t))
    valid = F.pad(torch.ones(1, 64, 64, dtype=torch.bool), (0, 64))
    loss = identity_loss(2, normalise="none")
    assert loss(*larger, valid).item() == pytest.approx(loss(s, t).item(), rel=0.05)


@pytest.mark.parametrize("size", [(16, 24), (19, 27)])
@pytest.mark.parametrize("normalise", NORMALISE)
def test_a_wholly_padded_image_makes_no_difference(normalise, size):
    torch.manual_seed(0)
    s, t = torch.randn(2, 2, 3, *size, dtype=torch.float64)
    loss = identity_loss(3, normalise=normalise)
    valid = torch.ones(2, *size, dtype=torch.bool)
    valid[1] = False
    torch.testing.assert_close(loss(s, t, valid), loss(s[:1], t[:1]))
    assert loss(s, t, torch.zeros_like(valid)) == 0


@pytest.mark.parametrize("normalise", ["subband", "none"])
def test_images_weigh_by_their_valid_positions(normalise):
    torch.manual_seed(0)
    s, t = torch.randn(2, 2, 3, 16, 24, dtype=torch.float64)
    loss = identity_loss(3, normalise=normalise)
    valid = torch.ones(2, 16, 24, dtype=torch.bool)
    valid[1, 4:] = False
    whole, part = (loss(s[i, None], t[i, None], valid[i, None]) for i in (0, 1))
    torch.testing.assert_close(loss(s, t, valid), (4 * whole + part) / 5)


@pytest.mark.parametrize("size", [(16, 24), (19, 27)])
@pytest.mark.parametrize("normalise", NORMALISE)
def test_all_valid_is_as_without_an_area(normalise, size):
    torch.manual_seed(0)
    s, t = torch.randn(2, 3, 3, *size)
    valid = torch.ones(3, *size, dtype=torch.bool)
    loss = CDMLoss(3, 3, normalise=normalise)
    assert torch.equal(loss(s, t, valid), loss(s, t))


@pytest.mark.parametrize("scale", [1e-2, 1.0])
def test_its_gradient_describes_it(scale):
    torch.manual_seed(0)
    s, t = torch.randn(2, 3, 32, 32), torch.randn(2, 6, 32, 32)
    loss = CDMLoss(3, 6)
    measured = fidelity(lambda x: loss(x, t), [scale * s], (1e-4, 1e-3))
    assert all(0.9 < ratio < 1.1 for ratio in measured.ratios)
    assert measured.cosine > 0.99
