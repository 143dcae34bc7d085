import pytest
import torch
import torch.nn.functional as F

from texture_kd.functional import difference_attention


def test_equals_the_definition_in_loops():
    t, s = torch.randn(2, 2, 3, 4, 6, dtype=torch.float64)
    a = difference_attention(t, s, (2, 3), unit_mean=False)
    p, q = t.softmax(1), s.softmax(1)
    for n in range(2):
        for y in range(2):
            for x in range(3):
                cell = (p - q)[n, :, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2]
                expected = cell.abs().sum(0).mean()
                torch.testing.assert_close(a[n, 0, y, x], expected)


@pytest.mark.parametrize("source", ["prob", "logit_centered"])
def test_a_constant_at_each_pixel_makes_no_difference(source):
    t, s = torch.randn(2, 2, 5, 4, 6, dtype=torch.float64)
    shift = 40 * torch.randn(2, 1, 4, 6, dtype=torch.float64)
    plain = difference_attention(t, s, (4, 6), source)
    torch.testing.assert_close(
        difference_attention(t + shift, s, (4, 6), source), plain
    )


def test_raw_logits_are_taken_literally():
    t, s = torch.randn(2, 1, 3, 2, 2)
    a = difference_attention(t, s, (2, 2), "logit", unit_mean=False)
    torch.testing.assert_close(a, (t - s).abs().sum(1, keepdim=True))


def test_probabilities_differ_by_two_at_most():
    t = torch.tensor([9e3, -9e3]).reshape(1, 2, 1, 1)
    a = difference_attention(t, -t, (1, 1), unit_mean=False)
    assert a.item() == 2


@pytest.mark.parametrize("size", [(3, 5), (4, 6), (8, 12), (7, 4), (1, 1)])
def test_its_mean_is_one_for_each_image_on_any_grid(size):
    t, s = torch.randn(2, 3, 5, 4, 6)
    a = difference_attention(t, s, size)
    assert a.shape == (3, 1, *size)
    assert (a >= 0).all()
    torch.testing.assert_close(a.mean((1, 2, 3)), torch.ones(3))
    each = [difference_attention(t[i : i + 1], s[i : i + 1], size) for i in range(3)]
    torch.testing.assert_close(a, torch.cat(each))


def test_shrinks_by_means_and_grows_bilinearly():
    t, s = torch.randn(2, 1, 3, 6, 4, dtype=torch.float64)
    d = difference_attention(t, s, (6, 4), unit_mean=False)
    pooled = F.adaptive_avg_pool2d(d, (2, 4))
    expected = F.interpolate(pooled, (2, 9), mode="bilinear", align_corners=False)
    a = difference_attention(t, s, (2, 9), unit_mean=False)
    torch.testing.assert_close(a, expected)


def test_ignored_pixels_count_as_zero_and_what_stands_there_is_no_matter():
    t, s = torch.randn(2, 1, 3, 2, 2)
    ignored = torch.tensor([[[[True, False], [False, False]]]])
    full = difference_attention(t, s, (2, 2), unit_mean=False)
    t[0, :, 0, 0] = torch.nan
    kept = difference_attention(t, s, (1, 1), ignored=ignored, unit_mean=False)
    torch.testing.assert_close(kept[0, 0, 0, 0], (full.sum() - full[0, 0, 0, 0]) / 4)


def cells(length, count):
    """Return the pixels of each cell along one axis."""
    return [
        range(i * length // count, -(-(i + 1) * length // count)) for i in range(count)
    ]


@pytest.mark.parametrize("unit_mean", [True, False])
@pytest.mark.parametrize("size", [(4, 6), (2, 3), (5, 7), (1, 1)])
def test_means_are_over_valid_pixels(size, unit_mean):
    t, s = torch.randn(2, 2, 3, 8, 12, dtype=torch.float64)
    valid = torch.ones(2, 1, 8, 12, dtype=torch.bool)
    valid[0, :, 6:] = valid[1, :, :, 7:] = False
    ignored = torch.rand(2, 1, 8, 12) < 0.2
    a = difference_attention(
        t, s, size, ignored=ignored, unit_mean=unit_mean, valid=valid
    )
    difference = (t.softmax(1) - s.softmax(1)).abs().sum(1) * ~ignored[:, 0]
    for n in range(2):
        expected = torch.zeros(size, dtype=torch.float64)
        inside = []
        for y, rows in enumerate(cells(8, size[0])):
            for x, columns in enumerate(cells(12, size[1])):
                pixels = [(r, c) for r in rows for c in columns]
                if all(valid[n, 0, r, c] for r, c in pixels):
                    values = [float(difference[n, r, c]) for r, c in pixels]
                    expected[y, x] = sum(values) / len(values)
                    inside.append(float(expected[y, x]))
        if unit_mean and inside:
            expected = expected / (sum(inside) / len(inside))
        torch.testing.assert_close(a[n, 0], expected)


@pytest.mark.parametrize("source", ["prob", "logit", "logit_centered"])
@pytest.mark.parametrize("size", [(4, 6), (3, 5), (11, 17)])
def test_what_is_not_valid_has_no_say(size, source):
    t, s = torch.randn(2, 2, 3, 8, 12)
    valid = torch.ones(2, 8, 12, dtype=torch.bool)
    valid[0, 5:] = False
    maps = []
    for padding in (0.0, torch.inf, torch.nan):
        a, b = (torch.where(valid[:, None], z, padding) for z in (t, s))
        maps.append(difference_attention(a, b, size, source, valid=valid))
    assert torch.equal(maps[0], maps[1])
    assert torch.equal(maps[0], maps[2])
    everything = torch.ones_like(valid)
    torch.testing.assert_close(
        difference_attention(t, s, size, source, valid=everything),
        difference_attention(t, s, size, source),
    )


def test_a_padded_map_that_grows_is_that_without_padding():
    t, s = torch.randn(2, 1, 3, 4, 6, dtype=torch.float64)
    valid = torch.ones(1, 1, 4, 6, dtype=torch.bool)
    valid[:, :, 3:] = valid[..., 4:] = False
    padded = difference_attention(t, s, (8, 12), valid=valid)
    alone = difference_attention(t[:, :, :3, :4], s[:, :, :3, :4], (6, 8))
    torch.testing.assert_close(padded[:, :, :6, :8], alone)
    assert not padded[:, :, 6:].any()
    assert not padded[..., 8:].any()


@pytest.mark.parametrize("source", ["prob", "logit", "logit_centered"])
def test_equal_predictions_have_no_weight(source):
    t = torch.randn(2, 3, 4, 4)
    a = difference_attention(t, t.clone(), (3, 3), source)
    assert torch.equal(a, torch.zeros(2, 1, 3, 3))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("source", ["prob", "logit", "logit_centered"])
def test_low_precision_is_finite_and_counted_in_float32(dtype, source):
    t = torch.tensor([6e4, -6e4, 0.0]).reshape(1, 3, 1, 1).repeat(1, 1, 4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        a = difference_attention(t.to(dtype), -t.to(dtype), (3, 2), source)
    assert a.dtype == torch.float32
    assert a.isfinite().all()


def test_gradcheck():
    t, s = torch.randn(2, 1, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    torch.autograd.gradcheck(lambda t, s: difference_attention(t, s, (3, 6)), (t, s))


@pytest.mark.parametrize(
    ("t", "s", "source", "message"),
    [
        ((1, 3, 4, 4), (1, 3, 4, 4), "kl", "source among"),
        ((1, 3, 4, 4), (1, 4, 4, 4), "prob", "one shape"),
        ((1, 1, 4, 4), (1, 1, 4, 4), "prob", "at least 2 classes"),
        ((1, 1, 4, 4), (1, 1, 4, 4), "logit_centered", "take 'logit'"),
        ((1, 3, 4), (1, 3, 4), "prob", r"\(N, K, H, W\)"),
    ],
)
def test_what_cannot_be_compared_is_refused(t, s, source, message):
    with pytest.raises(ValueError, match=message):
        difference_attention(torch.zeros(t), torch.zeros(s), (2, 2), source)
