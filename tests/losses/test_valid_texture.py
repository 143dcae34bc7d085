"""Statistical texture where images are padded: padding takes no part in it."""

import math

import pytest
import torch
import torch.nn.functional as F

from texture_kd.losses import DTIEMLoss

CLASSES = 4
SIZE = (96, 128)
KINDS = {
    "sorted": dict(),
    "none": dict(distance="histogram", extractor="none"),
    "frozen": dict(distance="histogram", extractor="frozen", channels=8),
    "aux": dict(distance="histogram", num_classes=CLASSES, channels=8),
}
STAGES = ("s_stage1", "s_stage2", "t_stage1", "t_stage2")
ALL = pytest.mark.parametrize("kind", KINDS)
MODES = pytest.mark.parametrize("mode", ["sampler", "global"])
GRIDS = pytest.mark.parametrize("student", [(12, 16), (24, 32), (7, 11)])


def dtiem(kind, mode="sampler"):
    torch.manual_seed(0)
    options = dict(sampler=dict(regions=3, scales=(3, 4)), seed=0) | KINDS[kind]
    if kind in ("frozen", "aux"):
        options["texture_channels"] = 6
    return DTIEMLoss(8, 10, mode=mode, **options).double().eval()


def features(kind, student=(12, 16), teacher=(12, 16)):
    """Features of positive numbers, in float64, and labels where they are learnt."""
    torch.manual_seed(1)
    sizes = dict(s=(student, (3, 5)), t=(teacher, (4, 6)))
    found = {
        f"{side}_stage{stage}": torch.rand(
            2, channels, *(scale * length for length in size), dtype=torch.float64
        )
        for side, (size, both) in sizes.items()
        for stage, scale, channels in ((1, 2, both[0]), (2, 1, both[1]))
    }
    if kind == "aux":
        found["gt"] = torch.randint(CLASSES, (2, 1, *SIZE))
    return found


def area():
    """Valid pixels of two images, one padded at the bottom, one at both sides."""
    valid = torch.ones(2, *SIZE, dtype=torch.bool)
    valid[0, 70:] = False
    valid[1, 80:] = False
    valid[1, :, 92:] = False
    return valid


def spoilt(inputs, valid, value):
    """Features with something else in all cells that have padding in them."""
    changed = {}
    for name, x in inputs.items():
        if name == "gt":
            changed[name] = x.masked_fill(~valid[:, None], 255)
            continue
        padding = F.adaptive_max_pool2d((~valid)[:, None].double(), x.shape[2:]) > 0
        noise = torch.randn(x.shape, dtype=x.dtype)
        changed[name] = torch.where(padding, value * noise.abs(), x)
    return changed


def value_and_gradients(loss, inputs, valid):
    inputs = {
        k: v.clone().requires_grad_() if k[0] == "s" else v for k, v in inputs.items()
    }
    value = loss(**inputs, valid=valid)
    return value.detach(), torch.autograd.grad(value, [inputs[k] for k in STAGES[:2]])


@GRIDS
@MODES
@ALL
@pytest.mark.parametrize("value", [100.0, math.inf, math.nan])
def test_what_stands_in_the_padding_changes_nothing(kind, mode, student, value):
    loss, inputs, valid = dtiem(kind, mode), features(kind, student), area()
    inputs = spoilt(inputs, valid, 0.0)
    expected = value_and_gradients(loss, inputs, valid)
    found = value_and_gradients(loss, spoilt(inputs, valid, value), valid)
    assert expected[0] > 0
    assert expected[0].isfinite()
    assert torch.equal(found[0], expected[0])
    for name, ours, theirs in zip(STAGES, found[1], expected[1], strict=False):
        assert torch.equal(ours, theirs)
        padding = F.adaptive_max_pool2d(
            (~valid)[:, None].double(), inputs[name].shape[2:]
        )
        assert not ours[(padding > 0).expand_as(ours)].any()
        assert ours.norm() > 0


@GRIDS
@MODES
@ALL
def test_an_area_of_everything_changes_nothing(kind, mode, student):
    loss, inputs = dtiem(kind, mode), features(kind, student)
    everything = torch.ones(2, 1, *SIZE, dtype=torch.bool)
    found = value_and_gradients(loss, inputs, everything)
    expected = value_and_gradients(loss, inputs, None)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", ["sorted", "none"])
def test_a_padded_image_has_the_loss_of_the_image_alone(kind):
    loss = dtiem(kind, "global")
    inputs = features(kind)
    valid = torch.ones(2, *SIZE, dtype=torch.bool)
    valid[:, 72:] = False
    alone = {k: v[:, :, : v.shape[2] * 3 // 4] for k, v in inputs.items()}
    ours = loss(**inputs, valid=valid)
    torch.testing.assert_close(ours, loss(**alone), rtol=1e-12, atol=0)
    assert not torch.isclose(ours, loss(**inputs))


@ALL
def test_no_region_has_padding(kind):
    loss, inputs, valid = dtiem(kind), features(kind), area()
    inputs = {k: v for k, v in spoilt(inputs, valid, 50.0).items() if k != "gt"}
    touched = 0
    for seed in range(20):
        state = torch.Generator().manual_seed(seed).get_state()
        loss.sampler.set_extra_state(state)
        for given in (valid, None):
            _, teacher = loss.compared(**inputs, valid=given)
            rows = zip(
                teacher.regions.images.tolist(),
                teacher.regions.boxes.tolist(),
                strict=True,
            )
            outside = [
                not valid[n, 8 * y0 : 8 * y1, 8 * x0 : 8 * x1].all()
                for n, (y0, x0, y1, x1) in rows
            ]
            if given is None:
                touched += sum(outside)
            else:
                assert not any(outside)
    assert touched > 0


@MODES
def test_stage_1_is_pooled_without_padding_where_windows_do_not_divide(mode):
    loss = dtiem("sorted", mode)
    inputs = features("sorted")
    for name in ("s_stage1", "t_stage1"):
        inputs[name] = torch.rand(2, inputs[name].shape[1], 31, 37).double()
    valid = area()
    expected = value_and_gradients(loss, spoilt(inputs, valid, 0.0), valid)
    found = value_and_gradients(loss, spoilt(inputs, valid, math.nan), valid)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    # The mean of equal pixels is they, beside padding too.
    ones = {k: torch.ones_like(v) for k, v in inputs.items()}
    student, _ = loss.compared(**spoilt(ones, valid, 9.0), valid=valid)
    torch.testing.assert_close(student.features, torch.ones_like(student.features))


@MODES
@ALL
def test_a_batch_of_nothing_but_padding_is_no_error(kind, mode):
    valid = area()
    valid[1] = False
    value, gradients = value_and_gradients(dtiem(kind, mode), features(kind), valid)
    assert value.isfinite()
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert not any(gradient[1].any() for gradient in gradients)


@MODES
@ALL
def test_without_a_valid_pixel_the_distance_is_0(kind, mode):
    valid = torch.zeros(2, *SIZE, dtype=torch.bool)
    value, gradients = value_and_gradients(dtiem(kind, mode), features(kind), valid)
    assert value == 0
    assert not any(gradient.any() for gradient in gradients)


@pytest.mark.parametrize(
    ("valid", "message"),
    [
        (torch.ones(2, *SIZE), "boolean tensor"),
        (torch.ones(3, *SIZE, dtype=torch.bool), "N = 2"),
    ],
)
def test_a_wrong_area_is_refused(valid, message):
    with pytest.raises(ValueError, match=message):
        dtiem("sorted")(**features("sorted"), valid=valid)
