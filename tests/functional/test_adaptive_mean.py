import pytest
import torch
import torch.nn.functional as F

from texture_kd.functional import adaptive_mean


@pytest.mark.parametrize("output", [(1, 1), (3, 3), (2, 5), (None, 3), (4, None)])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (12, 18), (13, 31)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_it_is_pytorchs_adaptive_pooling(output, size, dtype):
    x = torch.randn(2, 3, *size, dtype=dtype)
    expected = F.adaptive_avg_pool2d(x, output)
    torch.testing.assert_close(adaptive_mean(x, output), expected)


def test_a_constant_stays_one():
    x = torch.full((1, 1, 11, 9), 3.0)
    expected = torch.full((1, 1, 4, 4), 3.0)
    torch.testing.assert_close(adaptive_mean(x, (4, 4)), expected)


@pytest.mark.parametrize("size", [(12, 18), (13, 31)])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_rounds_the_result_once(size, dtype):
    x = torch.randn(2, 3, *size).to(dtype)
    found = adaptive_mean(x, (4, 6))
    assert found.dtype == dtype
    expected = F.adaptive_avg_pool2d(x.double(), (4, 6))
    assert ((found - expected).abs() <= torch.finfo(dtype).eps * expected.abs()).all()


@pytest.mark.parametrize("size", [(12, 18), (13, 31)])
def test_autocast_does_not_round(size):
    x = torch.randn(2, 3, *size)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = adaptive_mean(x, (4, 6))
    assert torch.equal(found, adaptive_mean(x, (4, 6)))


def test_maps_without_values_have_shapes():
    assert adaptive_mean(torch.zeros(2, 3, 13, 31, device="meta"), (4, 6)).is_meta


@pytest.mark.parametrize("size", [(12, 18), (13, 31)])
def test_a_graph_has_products_of_matrices_with_the_same_result(size):
    class Pool(torch.nn.Module):
        def forward(self, x):
            return adaptive_mean(x, (4, 6))

    x = torch.randn(2, 3, *size)
    graph = torch.export.export(Pool(), (x,), strict=False)
    called = {str(node.target) for node in graph.graph.nodes}
    assert any("matmul" in name for name in called)
    assert not any("avg_pool" in name for name in called)
    torch.testing.assert_close(graph.module()(x), adaptive_mean(x, (4, 6)))


@pytest.mark.parametrize("output", [(3, 4), (5, 7)])
def test_derivatives(output):
    x = torch.randn(1, 2, 5, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: adaptive_mean(x, output), x)


def test_maps_of_images_only():
    with pytest.raises(ValueError, match=r"expected maps .* got shape \(5, 7\)"):
        adaptive_mean(torch.zeros(5, 7), (1, 1))
