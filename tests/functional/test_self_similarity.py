import pytest
import torch
import torch.nn.functional as F
from compile_check import check_compiled
from dtiem_reference import self_similarity
from hypothesis import given, settings
from hypothesis import strategies as st

from texture_kd.functional import cosine_self_similarity

CASES = settings(max_examples=50, deadline=None)


@st.composite
def features(draw):
    # Everything that the test draws at random afterwards can be repeated, too.
    torch.manual_seed(draw(st.integers(0, 2**32 - 1)))
    shape = [draw(st.integers(1, high)) for high in (3, 4, 5, 5)]
    x = torch.randn(shape, dtype=torch.float64)
    zeros = draw(st.sampled_from([0, 0, 0.3]))
    return x * (torch.rand(shape[0], 1, *shape[2:]) >= zeros)


def normalised(x):
    mean = F.normalize(x.mean((2, 3), keepdim=True), dim=1)
    return (F.normalize(x, dim=1) * mean).sum(1)


def gradient(function, x, weights):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(function(x), x, weights.to(x.dtype))[0]


@CASES
@given(features())
def test_equals_the_cosine_in_loops(x):
    for found, image in zip(cosine_self_similarity(x).flatten(1), x, strict=True):
        expected = self_similarity(image.flatten(1).T.tolist())
        assert found.tolist() == pytest.approx(expected, rel=1e-12, abs=1e-12)


@CASES
@given(features())
def test_equals_normalised_features_and_their_gradient(x):
    weights = torch.randn(x[:, 0].shape, dtype=torch.float64)
    torch.testing.assert_close(cosine_self_similarity(x), normalised(x))
    # F.normalize has a slope of 1e12 at zero vectors, where ours has none.
    wanted = gradient(normalised, x, weights * (x != 0).any(1))
    torch.testing.assert_close(gradient(cosine_self_similarity, x, weights), wanted)


@pytest.mark.parametrize("shape", [(2, 3, 2, 3), (1, 2, 1, 1), (1, 1, 1, 5)])
def test_gradients_of_both_orders(shape):
    torch.manual_seed(0)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(cosine_self_similarity, x)
    assert torch.autograd.gradgradcheck(cosine_self_similarity, x)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_zero_pixels_have_similarity_zero_and_little_gradient(dtype):
    torch.manual_seed(0)
    x = torch.randn(2, 4, 3, 5, dtype=dtype) + 1
    x[0, :, 1, 2] = 0
    similarity = cosine_self_similarity(x)
    assert similarity[0, 1, 2] == 0
    assert similarity.isfinite().all()
    # Its own direction has no gradient, but it is a part of the mean.
    weights = torch.zeros_like(similarity)
    weights[0, 1, 2] = 1
    assert (gradient(cosine_self_similarity, x, weights) == 0).all()
    weights = torch.randn_like(similarity)
    found = gradient(cosine_self_similarity, x, weights)
    assert found.isfinite().all()
    assert found.abs().max() < 1e3


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_a_zero_mean_or_image_has_similarity_and_gradient_zero(dtype):
    torch.manual_seed(0)
    x = torch.randint(-9, 9, (3, 4, 3, 4)).to(dtype)
    x[0] = 0
    x[1, :, :, 2:] = -x[1, :, :, :2]
    similarity = cosine_self_similarity(x)
    assert (similarity[:2] == 0).all()
    assert (similarity[2] != 0).any()
    found = gradient(cosine_self_similarity, x, torch.ones_like(similarity))
    assert (found[:2] == 0).all()
    assert found.isfinite().all()


@CASES
@given(features(), st.sampled_from([1e-6, 0.25, 3.0, 1e6]))
def test_does_not_depend_on_the_unit(x, factor):
    weights = torch.randn(x[:, 0].shape)
    x = x.float()
    torch.testing.assert_close(
        cosine_self_similarity(factor * x),
        cosine_self_similarity(x),
        rtol=1e-4,
        atol=1e-5,
    )
    torch.testing.assert_close(
        gradient(cosine_self_similarity, 4 * x, weights) * 4,
        gradient(cosine_self_similarity, x, weights),
    )


def test_a_pixel_that_grows_without_moving_the_mean_keeps_its_similarity():
    torch.manual_seed(0)
    x = torch.randn(1, 5, 1, 3, dtype=torch.float64)
    longer = x.clone()
    longer[..., 0] *= 7
    longer[..., 1] += x[..., 0] - longer[..., 0]
    torch.testing.assert_close(
        cosine_self_similarity(longer)[..., ::2], cosine_self_similarity(x)[..., ::2]
    )


def test_features_along_the_mean_are_similar_and_against_it_opposite():
    direction = torch.tensor([3.0, -4.0]).reshape(1, 2, 1, 1)
    x = direction * torch.tensor([[1.0, 5.0, 0.1], [-1.0, 2.0, -0.5]])
    expected = torch.tensor([[[1.0, 1, 1], [-1, 1, -1]]])
    torch.testing.assert_close(cosine_self_similarity(x), expected)
    single = torch.randn(2, 7, 1, 1)
    torch.testing.assert_close(cosine_self_similarity(single), torch.ones(2, 1, 1))


@pytest.mark.parametrize("shape", [(2, 6, 5, 7), (1, 8, 1, 9), (3, 1, 4, 4)])
def test_memory_format_is_no_matter(shape):
    torch.manual_seed(0)
    x = torch.randn(shape)
    weights = torch.randn(shape[0], *shape[2:])
    wanted = cosine_self_similarity(x)
    slopes = gradient(cosine_self_similarity, x, weights)
    channels_last = x.to(memory_format=torch.channels_last)
    strided = x.repeat_interleave(2, 3)[..., ::2]
    for other in (channels_last, strided):
        torch.testing.assert_close(cosine_self_similarity(other), wanted)
        torch.testing.assert_close(
            gradient(cosine_self_similarity, other, weights), slopes
        )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_low_precision_is_computed_in_single_precision(dtype):
    torch.manual_seed(0)
    # The square of a length overflows float16, and 1024 channels swamp bfloat16.
    x = (torch.randn(2, 1024, 3, 5) * 100 + 100).to(dtype)
    weights = torch.randn(2, 3, 5)
    found = cosine_self_similarity(x)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, cosine_self_similarity(x.float()), rtol=0, atol=0)
    x.requires_grad_()
    (slopes,) = torch.autograd.grad(cosine_self_similarity(x), x, weights)
    assert slopes.dtype == dtype
    wanted = gradient(cosine_self_similarity, x.float(), weights)
    torch.testing.assert_close(slopes, wanted.to(dtype))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_autocast_changes_nothing_in_either_direction(dtype):
    torch.manual_seed(0)
    x = torch.randn(2, 64, 5, 7).to(dtype).requires_grad_()
    weights = torch.randn(2, 5, 7)

    def both():
        similarity = cosine_self_similarity(x)
        grad = weights.to(similarity.dtype)
        return similarity, torch.autograd.grad(similarity, x, grad)[0]

    wanted = both()
    with torch.autocast("cpu", torch.bfloat16):
        found = both()
    assert torch.equal(found[0], wanted[0])
    assert torch.equal(found[1], wanted[1])
    assert found[0].dtype == torch.promote_types(dtype, torch.float32)


@CASES
@given(features(), st.data())
def test_each_image_is_on_its_own(x, data):
    n = data.draw(st.integers(0, len(x) - 1))
    weights = torch.randn(x[:, 0].shape, dtype=torch.float64)
    alone = cosine_self_similarity(x[n : n + 1])
    torch.testing.assert_close(cosine_self_similarity(x)[n : n + 1], alone)
    changed = x.clone()
    changed[n] = data.draw(st.sampled_from([float("nan"), float("inf"), 1e9]))
    others = [i for i in range(len(x)) if i != n]
    for function in (
        cosine_self_similarity,
        lambda x: gradient(cosine_self_similarity, x, weights),
    ):
        assert torch.equal(function(changed)[others], function(x)[others])


def test_nothing_but_the_features_is_kept_for_the_gradient():
    x = torch.randn(2, 16, 8, 8, requires_grad=True)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: kept.append(t.data_ptr()), lambda t: t
    ):
        cosine_self_similarity(x)
    assert set(kept) == {x.data_ptr()}


# Dynamo's own.
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
def test_compiles_without_graph_breaks():
    check_compiled(cosine_self_similarity, ((2, 3, 29, 40), (4, 5, 31, 17)))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(2, 3, 4), r"float32 with shape \(2, 3, 4\)"),
        (torch.zeros(1, 2, 3, 4, 5), r"\(1, 2, 3, 4, 5\)"),
        (torch.zeros(1, 2, 3, 4, dtype=torch.long), "floating point.*got torch.int64"),
        (torch.zeros(1, 2, 0, 4), r"non-empty.*\(1, 2, 0, 4\)"),
        (torch.zeros(1, 0, 3, 4), r"non-empty.*\(1, 0, 3, 4\)"),
    ],
)
def test_other_features_are_refused(x, message):
    with pytest.raises(ValueError, match=message):
        cosine_self_similarity(x)
