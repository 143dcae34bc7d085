import pytest
import torch

from texture_kd.functional import likeliest_delta_distance


def regions(count=7, classes=3, agnostic=False, dtype=torch.float64):
    torch.manual_seed(0)
    deltas = torch.randn(2, count, 4 if agnostic else 4 * classes, dtype=dtype)
    return *deltas, 2 * torch.randn(count, classes + 1, dtype=dtype)


def slow(student, teacher, logits):
    """Follow the definition, region by region."""
    total = weights = 0.0
    for s, t, z in zip(student, teacher, logits, strict=True):
        p = z.softmax(0)[:-1]
        best = int(p.argmax()) if len(s) > 4 else 0
        for i in range(4):
            total += p.max() * abs(s[4 * best + i] - t[4 * best + i])
        weights += p.max()
    return total / (4 * weights)


@pytest.mark.parametrize("agnostic", [False, True])
@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("count", [1, 7])
def test_equals_the_definition(count, classes, agnostic):
    given = regions(count, classes, agnostic)
    torch.testing.assert_close(likeliest_delta_distance(*given), slow(*given))


def test_the_background_is_no_class():
    student, teacher, logits = regions()
    logits[:, -1] = 5.0
    expected = slow(student, teacher, logits)
    torch.testing.assert_close(
        likeliest_delta_distance(student, teacher, logits), expected
    )


def test_gradient():
    student, teacher, logits = regions()
    given = (student.requires_grad_(), teacher.requires_grad_(), logits)
    assert torch.autograd.gradcheck(likeliest_delta_distance, given)


def test_no_regions_and_none_with_an_object():
    student = torch.zeros(0, 12, requires_grad=True)
    found = likeliest_delta_distance(student, torch.zeros(0, 12), torch.zeros(0, 4))
    found.backward()
    assert found.item() == 0
    certain = torch.tensor([[0.0, 0, 0, 1e4]])
    found = likeliest_delta_distance(torch.ones(1, 12), torch.zeros(1, 12), certain)
    assert found.item() == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype):
    given = [x.to(dtype) for x in regions()]
    found = likeliest_delta_distance(*given)
    assert found.dtype == torch.float32
    expected = slow(*(x.double() for x in given))
    torch.testing.assert_close(found.double(), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    "shapes",
    [
        ((7, 12), (7, 12), (7, 5)),
        ((7, 12), (7, 4), (7, 4)),
        ((6, 12), (6, 12), (7, 4)),
        ((7, 4), (7, 4), (7, 1)),
        ((7, 4), (7, 4), (7,)),
    ],
)
def test_wrong_shapes_are_named(shapes):
    with pytest.raises(ValueError, match=r"deltas \(R, 4K\) or \(R, 4\)"):
        likeliest_delta_distance(*(torch.zeros(shape) for shape in shapes))
