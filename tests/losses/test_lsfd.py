import pytest
import torch
import torch.nn.functional as F
from mmrazor.models.distillers import ConfigurableDistiller
from mmrazor.registry import MODELS

import texture_kd.components  # noqa: F401
from texture_kd.connectors import LFDConnector
from texture_kd.functional import difference_attention, two_class_logits, valid_area
from texture_kd.losses import LSFDLoss


def maps(*, size=(4, 6), logits=(8, 12), images=2, dtype=torch.float64):
    """Return features and logits of student and teacher."""
    features = torch.randn(2, images, 5, *size, dtype=dtype)
    return *features, *torch.randn(2, images, 3, *logits, dtype=dtype)


def test_is_built_by_the_registry_and_weighted():
    inputs = maps()
    loss = MODELS.build(dict(type="LSFDLoss", loss_weight=3.0))
    torch.testing.assert_close(loss(*inputs), 3 * LSFDLoss(loss_weight=1)(*inputs))


def padded(images=2, size=(8, 12)):
    """Return the valid area: one image is padded below, one on the right."""
    valid = torch.ones(images, *size, dtype=torch.bool)
    valid[0, -2 * size[0] // 4 :] = valid[-1, :, -size[1] // 3 :] = False
    return valid


def normalised(feature, area, normalise):
    """Return what is compared at the valid positions of each image, (C, positions)."""
    images = [x[:, a] for x, a in zip(feature, area, strict=True)]
    if normalise == "rms":
        return [x / x.square().mean().sqrt() for x in images]
    if normalise == "norm":
        return [x / x.square().sum().sqrt() for x in images]
    if normalise == "channel":
        pixels = torch.cat(images, 1)
        mean, std = pixels.mean(1, keepdim=True), pixels.std(1, False, keepdim=True)
        return [(x - mean) / std for x in images]
    return images


@pytest.mark.parametrize("valid", [None, padded(), padded(size=(16, 36))])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("unit_mean", [True, False])
@pytest.mark.parametrize("normalise", ["rms", "norm", "channel", "none"])
def test_equals_the_definition(normalise, unit_mean, reduction, valid):
    s, t, zs, zt = maps()
    loss = LSFDLoss("prob", unit_mean, normalise, reduction, loss_weight=10.0)
    area = torch.ones(2, 4, 6, dtype=torch.bool)
    if valid is not None:
        area = valid_area(valid, 2, (4, 6))[:, 0]
    sides = [normalised(x, area, normalise) for x in (s, t)]
    total = 0
    for i, (a, b) in enumerate(zip(*sides, strict=True)):
        p = difference_attention(zt[i : i + 1], zs[i : i + 1], (4, 6), unit_mean=False)[
            0, 0
        ][area[i]]
        if unit_mean:
            p = p / p.mean()
        total = total + 10 * (p * (a - b).abs()).sum() / 2
    if reduction == "mean":
        total = total * 2 / (5 * area.sum())
    torch.testing.assert_close(loss(s, t, zs, zt, valid=valid), total)


def test_without_attention_it_is_lfd_and_needs_no_logits():
    s, t, zs, zt = maps()
    unit = [z / z.square().mean((1, 2, 3), keepdim=True).sqrt() for z in (s, t)]
    expected = 5 * (unit[0] - unit[1]).abs().mean()
    loss = LSFDLoss("none")
    torch.testing.assert_close(loss(s, t), expected)
    torch.testing.assert_close(loss(s, t, zs, zt), expected)


def test_the_scale_of_the_features_makes_no_difference():
    s, t, zs, zt = maps()
    scale = torch.tensor([3.0, 70.0]).reshape(2, 1, 1, 1)
    torch.testing.assert_close(
        LSFDLoss()(scale * s, 5 * t, zs, zt), LSFDLoss()(s, t, zs, zt)
    )
    plain = LSFDLoss(normalise="none")
    assert not torch.allclose(plain(scale * s, t, zs, zt), plain(s, t, zs, zt))


def test_standardised_neither_scale_nor_offset_of_a_channel_matters():
    s, t, zs, zt = maps()
    loss = LSFDLoss(normalise="channel")
    scale, offset = torch.rand(2, 1, 5, 1, 1, dtype=torch.float64) + 0.1
    for valid in (None, padded()):
        torch.testing.assert_close(
            loss(scale * s + offset, 70 * t - offset, zs, zt, valid=valid),
            loss(s, t, zs, zt, valid=valid),
        )


@pytest.mark.parametrize("normalise", ["rms", "channel"])
def test_one_weight_serves_every_resolution_and_width(normalise):
    torch.manual_seed(0)
    loss = LSFDLoss("none", normalise=normalise, loss_weight=1.0)
    losses = [
        loss(*torch.randn(2, 2, channels, side, side))
        for channels, side in ((16, 16), (16, 64), (64, 16))
    ]
    # Of two standard normal numbers: 2 / sqrt(pi).
    for loss in losses:
        torch.testing.assert_close(loss, torch.tensor(1.128), rtol=0.02, atol=0)


def test_the_default_weight_is_two_thousand_with_norms_at_the_papers_size():
    torch.manual_seed(0)
    s, t = torch.randn(2, 1, 64, 48, 48)
    norms = LSFDLoss("none", normalise="norm", loss_weight=2000.0)(s, t)
    torch.testing.assert_close(LSFDLoss("none")(s, t), norms, rtol=0.05, atol=0)


def test_a_map_of_one_value_is_taken_literally_or_for_a_sigmoids():
    s, t, _, _ = maps()
    zs, zt = z = torch.rand(2, 2, 1, 8, 12)
    two = [two_class_logits(x) for x in z]
    options = dict(unit_mean=False, loss_weight=1.0)
    distance = LSFDLoss("none", **options)(s, t)
    assert LSFDLoss("logit", **options)(s, t, zs, zt) > 0
    # Both classes differ by as much, and not one.
    difference = (zs.sigmoid() - zt.sigmoid()).abs().max()
    assert 0 < LSFDLoss("prob", **options)(s, t, zs, zt) < 2 * difference * distance
    for attention in ("prob", "logit_centered"):
        loss = LSFDLoss(attention, **options)
        torch.testing.assert_close(loss(s, t, zs, zt), loss(s, t, *two))


def test_a_shift_of_the_logits_at_a_pixel_makes_no_difference():
    s, t, zs, zt = maps()
    shift = 40 * torch.randn(2, 1, 8, 12, dtype=torch.float64)
    torch.testing.assert_close(
        LSFDLoss()(s, t, zs + shift, zt), LSFDLoss()(s, t, zs, zt)
    )


def test_gradient_flows_into_the_students_feature_only():
    inputs = [x.requires_grad_() for x in maps()]
    LSFDLoss()(*inputs).backward()
    assert inputs[0].grad.abs().sum() > 0
    assert [x.grad for x in inputs[1:]] == [None] * 3


def test_an_attention_of_unit_mean_keeps_the_size_of_the_loss():
    torch.manual_seed(0)
    s, t, zs, zt = maps(size=(32, 32), logits=(32, 32))
    alone, selective = LSFDLoss("none")(s, t), LSFDLoss()(s, t, zs, zt)
    torch.testing.assert_close(alone, selective, rtol=0.05, atol=0)


@pytest.mark.parametrize("size", [(4, 6), (16, 24), (7, 5)])
def test_the_student_is_brought_to_the_grid_of_the_teacher(size):
    _, t, zs, zt = maps(size=(8, 12))
    s = torch.randn(2, 5, *size, dtype=torch.float64)
    resized = F.interpolate(s, (8, 12), mode="bilinear", align_corners=False)
    torch.testing.assert_close(LSFDLoss()(s, t, zs, zt), LSFDLoss()(resized, t, zs, zt))


@pytest.mark.parametrize("align_corners", [False, True])
def test_logits_of_any_grid_make_an_attention(align_corners):
    s, t, _, zt = maps(size=(5, 7))
    zs = torch.randn(2, 3, 3, 4, dtype=torch.float64)
    resized = F.interpolate(zs, (8, 12), mode="bilinear", align_corners=align_corners)
    loss = LSFDLoss(align_corners=align_corners)(s, t, zs, zt)
    torch.testing.assert_close(loss, LSFDLoss()(s, t, resized, zt))


def test_ignored_pixels_have_no_say_in_the_attention():
    s, t, zs, zt = maps(size=(8, 12))
    gt = torch.randint(0, 3, (2, 1, 16, 24))
    gt[:, :, :8] = 11
    s.requires_grad_()
    loss = LSFDLoss(normalise="none", ignore_index=11)(s, t, zs, zt, gt)
    (gradient,) = torch.autograd.grad(loss, s)
    used = gradient.abs().sum(1) > 0
    assert not used[:, :4].any()
    assert used[:, 4:].all()


def test_nothing_but_ignored_pixels_gives_zero_with_a_graph():
    s, t, zs, zt = maps()
    s.requires_grad_()
    loss = LSFDLoss()(s, t, zs, zt, torch.full((2, 8, 12), 255))
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(s.grad, torch.zeros_like(s))


def test_equal_logits_give_zero():
    s, t, zs, _ = maps()
    assert LSFDLoss()(s, t, zs, zs).item() == 0


@pytest.mark.parametrize("normalise", ["rms", "norm", "channel", "none"])
@pytest.mark.parametrize("attention", ["prob", "none"])
@pytest.mark.parametrize("sizes", [((4, 6), (8, 12)), ((3, 5), (8, 12)), ((8, 6),) * 2])
def test_what_stands_in_the_padding_changes_nothing(sizes, attention, normalise):
    _, t, _, zt = maps(dtype=torch.float32)
    s, zs = torch.randn(2, 5, *sizes[0]), torch.randn(2, 3, *sizes[1])
    gt, valid = torch.randint(0, 3, (2, 32, 48)), padded(size=(32, 48))
    loss_of = LSFDLoss(attention, normalise=normalise)
    results = []
    for padding in (0.0, torch.inf, torch.nan):
        inputs = [
            torch.where(valid_area(valid, 2, x.shape[2:]), x, padding)
            for x in (s, t, zs, zt)
        ]
        inputs[0].requires_grad_()
        loss = loss_of(*inputs, gt.where(valid, int(padding == 0)), valid)
        loss.backward()
        results.append((loss, inputs[0].grad))
    for loss, gradient in results[1:]:
        assert torch.equal(loss, results[0][0])
        assert torch.equal(gradient, results[0][1])
    outside = ~valid_area(valid, 2, s.shape[2:]).expand_as(s)
    assert not results[0][1][outside].any()
    assert results[0][1][~outside].any()


@pytest.mark.parametrize("normalise", ["rms", "norm", "channel", "none"])
@pytest.mark.parametrize("images", [1, 2])
@pytest.mark.parametrize("size", [(4, 6), (2, 3), (8, 12)])
def test_padding_makes_no_difference(size, images, normalise):
    _, t, zs, zt = maps(images=images, logits=(16, 24))
    s = torch.randn(images, 5, *size, dtype=torch.float64)
    gt = torch.randint(0, 3, (images, 32, 48))
    gt[:, :7] = 255
    loss = LSFDLoss(normalise=normalise)
    # Twice the size, filled with anything.
    larger = [F.pad(x, (0, x.shape[3], 0, x.shape[2]), value=3) for x in (s, t, zs, zt)]
    valid = torch.zeros(images, 1, 64, 96, dtype=torch.bool)
    valid[..., :32, :48] = True
    larger.append(F.pad(gt, (0, 48, 0, 32)))
    torch.testing.assert_close(loss(*larger, valid), loss(s, t, zs, zt, gt))


@pytest.mark.parametrize("coarse", ["feature", "logits", "both"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("normalise", ["rms", "norm", "channel", "none"])
def test_padding_within_a_coarse_cell_makes_no_difference(normalise, reduction, coarse):
    fine, width = (16, 16), 10
    s, t, zs, zt = maps(size=fine, logits=fine)
    if coarse != "logits":
        s = torch.randn(2, 5, 4, 4, dtype=torch.float64)
    if coarse != "feature":
        zs = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    valid = torch.zeros(2, *fine, dtype=torch.bool)
    valid[..., : width + 1] = True

    def shown(x):
        """What is left of a map: a coarse one's second column is then its last."""
        if x.shape[3] == fine[1]:
            return x[..., :width]
        x = F.interpolate(x[..., :2], (16, 8), mode="bilinear")
        return F.pad(x, (0, 2, 0, 0), mode="replicate")

    loss = LSFDLoss(normalise=normalise, reduction=reduction)
    expected = loss(*(shown(x) for x in (s, t, zs, zt)))
    torch.testing.assert_close(loss(s, t, zs, zt, valid=valid), expected)


def test_a_coarse_student_that_agrees_has_no_loss():
    valid = torch.zeros(1, 16, 16, dtype=torch.bool)
    valid[..., :11] = True
    ones = [torch.ones(1, 3, n, n) for n in (4, 16)]
    features = [torch.randn(1, 5, n, n) for n in (4, 16)]
    plain = LSFDLoss("none", normalise="none")
    assert plain(*ones, valid=valid).item() == 0
    attentive = LSFDLoss("logit", unit_mean=False)
    assert attentive(*features, *ones, valid=valid).item() == 0


@pytest.mark.parametrize("normalise", ["rms", "norm", "channel", "none"])
@pytest.mark.parametrize("size", [(4, 6), (3, 5), (9, 7)])
def test_all_valid_is_as_without_an_area(size, normalise):
    _, t, zs, zt = maps()
    s = torch.randn(2, 5, *size, dtype=torch.float64)
    loss = LSFDLoss(normalise=normalise)
    valid = torch.ones(2, 31, 47, dtype=torch.bool)
    torch.testing.assert_close(loss(s, t, zs, zt, valid=valid), loss(s, t, zs, zt))


@pytest.mark.parametrize("normalise", ["rms", "norm", "channel", "none"])
@pytest.mark.parametrize("attention", ["prob", "none"])
def test_nothing_valid_gives_zero_with_a_graph(attention, normalise):
    s, t, zs, zt = maps()
    s.requires_grad_()
    nothing = torch.zeros(2, 8, 12, dtype=torch.bool)
    loss = LSFDLoss(attention, normalise=normalise)(s, t, zs, zt, valid=nothing)
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(s.grad, torch.zeros_like(s))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("valid", [None, padded()])
def test_low_precision_changes_a_standardised_loss_by_little(valid, dtype):
    torch.manual_seed(0)
    s, t, zs, zt = maps(size=(8, 12))
    s, t = 40 * s + 100, t + 3
    loss_of = LSFDLoss(normalise="channel")
    with torch.autocast("cpu", dtype):
        loss = loss_of(*(x.to(dtype) for x in (s, t, zs, zt)), valid=valid)
    expected = loss_of(s, t, zs, zt, valid=valid).float()
    torch.testing.assert_close(loss, expected, rtol=0.01, atol=0)


@pytest.mark.parametrize("normalise", ["rms", "channel"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("images", [1, 2])
def test_features_of_zeros_and_low_precision_are_finite(images, dtype, normalise):
    s, t, zs, zt = maps(images=images, size=(3, 7), dtype=dtype)
    loss_of = LSFDLoss(normalise=normalise)
    for feature in (0 * s, 1e-7 * s, 6e4 * torch.ones_like(s)):
        feature = feature.detach()
        feature.requires_grad_()
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(feature, t, zs, zt)
        loss.backward()
        assert loss.dtype == torch.float32
        assert loss.isfinite()
        assert feature.grad.isfinite().all()


@pytest.mark.parametrize("valid", [None, padded(1)])
@pytest.mark.parametrize("normalise", ["rms", "norm", "channel", "none"])
def test_gradcheck(normalise, valid):
    torch.manual_seed(0)
    s, t, zs, zt = maps(images=1)
    loss = LSFDLoss(normalise=normalise, loss_weight=1.0)
    torch.autograd.gradcheck(
        lambda s: loss(s, t, zs, zt, valid=valid), s.requires_grad_()
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (dict(s_feature=torch.zeros(2, 4, 4, 6)), "out_channel=5"),
        (dict(s_feature=torch.zeros(1, 5, 4, 6)), "as many images.*got 1 and 2"),
        (dict(s_feature=(torch.zeros(2, 5, 4, 6),)), "student, got tuple.*data_idx"),
        (dict(t_feature=torch.zeros(2, 5, 4)), "from the teacher"),
        (dict(preds_T=None), "attention='none'"),
        (dict(preds_S=torch.zeros(2, 4, 8, 12)), "same classes"),
        (dict(gt=torch.zeros(2, 8, 12)), "integer labels"),
        (dict(valid=torch.ones(2, 8, 12)), "valid as a boolean tensor"),
        (dict(valid=torch.ones(1, 8, 12) > 0), "N = 2"),
    ],
)
def test_wrong_inputs_are_named(wrong, message):
    names = ("s_feature", "t_feature", "preds_S", "preds_T")
    inputs = dict(zip(names, maps(dtype=torch.float32), strict=True))
    with pytest.raises(ValueError, match=message):
        LSFDLoss()(**inputs | wrong)


@pytest.mark.parametrize(
    "options",
    [dict(attention="kl"), dict(normalise=True), dict(reduction="max")],
)
def test_unknown_options_are_refused(options):
    with pytest.raises(ValueError, match="expected"):
        LSFDLoss(**options)


def test_mmrazors_distiller_takes_it_with_its_connector():
    record = dict(type="ModuleOutputs", source="0")
    distiller = ConfigurableDistiller(
        student_recorders=dict(feature=record),
        teacher_recorders=dict(feature=record),
        connectors=dict(lfd=dict(type="LFDConnector", in_channel=4, out_channel=6)),
        distill_losses=dict(loss_lfd=dict(type="LSFDLoss", attention="none")),
        loss_forward_mappings=dict(
            loss_lfd=dict(
                s_feature=dict(from_student=True, recorder="feature", connector="lfd"),
                t_feature=dict(from_student=False, recorder="feature"),
            )
        ),
    )
    student, teacher = (
        torch.nn.Sequential(torch.nn.Conv2d(3, width, 1)) for width in (4, 6)
    )
    distiller.prepare_from_student(student)
    distiller.prepare_from_teacher(teacher)
    image = torch.randn(2, 3, 8, 8)
    with distiller.student_recorders:
        student(image)
    with distiller.teacher_recorders:
        teacher(image)
    losses = distiller.compute_distill_losses()
    losses["loss_lfd"].backward()
    assert student[0].weight.grad.abs().sum() > 0
    assert teacher[0].weight.grad is None
    assert all(p.grad is not None for p in distiller.parameters())


def regressed(**options):
    return LSFDLoss(student_channels=4, teacher_channels=5, **options)


def test_the_regressor_is_the_connector():
    s, t, zs, zt = maps(dtype=torch.float32)
    s = s[:, :4]
    torch.manual_seed(0)
    connector = LFDConnector(4, 5)
    torch.manual_seed(0)
    loss = regressed()
    torch.testing.assert_close(loss.regressor(s), connector(s))
    expected = LSFDLoss()(connector(s), t, zs, zt)
    torch.testing.assert_close(loss(s, t, zs, zt), expected)
    assert sum(x.numel() for x in loss.parameters()) == sum(
        x.numel() for x in connector.parameters()
    )


@pytest.mark.parametrize("logits", [(8, 12), (4, 6)])
def test_the_regressor_sees_nothing_of_the_padding(logits):
    torch.manual_seed(0)
    loss = regressed().double()
    for layer in loss.regressor.layers:
        torch.nn.init.normal_(layer.bias)
    s, t, zs, zt = maps(logits=logits)
    s = s[:, :4]
    expected = loss(s, t, zs, zt)
    valid = torch.zeros(2, 32, 48, dtype=torch.bool)
    valid[:, :16, :24] = True
    for value in (3.0, torch.nan):
        larger = [
            F.pad(x, (0, x.shape[3], 0, x.shape[2]), value=value)
            for x in (s, t, zs, zt)
        ]
        larger[0].requires_grad_()
        found = loss(*larger, valid=valid)
        torch.testing.assert_close(found, expected)
        (gradient,) = torch.autograd.grad(found, larger[0])
        assert gradient[..., :4, :6].any()
        assert not gradient[..., 4:, :].any()
        assert not gradient[..., 6:].any()


def test_the_regressor_learns_in_low_precision():
    torch.manual_seed(0)
    s, t, zs, zt = maps(dtype=torch.bfloat16)
    loss = regressed()
    with torch.autocast("cpu", torch.bfloat16):
        value = loss(s[:, :4], t, zs, zt)
    value.backward()
    assert value.dtype == torch.float32
    assert all(x.grad.abs().sum() > 0 for x in loss.parameters())


@pytest.mark.parametrize("channels", [(4, None), (None, 5), (4, 0), ((4,), (5,))])
def test_channels_of_a_regressor_are_of_both(channels):
    with pytest.raises(ValueError, match="positive integers, both or neither"):
        LSFDLoss(student_channels=channels[0], teacher_channels=channels[1])


def test_a_regressor_takes_its_channels_alone():
    with pytest.raises(ValueError, match="expected 4 channels from the student, got 5"):
        regressed()(*maps())
