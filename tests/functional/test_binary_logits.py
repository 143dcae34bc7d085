import pytest
import torch

from texture_kd.functional import two_class_logits


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_its_softmax_is_the_sigmoid(dtype):
    torch.manual_seed(0)
    z = (4 * torch.randn(2, 1, 3, 5)).to(dtype)
    found = two_class_logits(z)
    assert found.dtype == dtype
    p = z.double().sigmoid()
    expected = torch.cat([1 - p, p], 1)
    torch.testing.assert_close(found.double().softmax(1), expected)


@pytest.mark.parametrize("threshold", [0.0, 1e-3, 0.3, 0.5, 0.9, 1.0])
def test_the_larger_is_what_mmsegmentation_decides(threshold):
    torch.manual_seed(0)
    z = 4 * torch.randn(2, 1, 40, 50)
    decision = (z.sigmoid() > threshold)[:, 0].long()
    assert torch.equal(two_class_logits(z, threshold).argmax(1), decision)


def test_several_channels_are_classes_already():
    z = torch.randn(1, 3, 2, 2)
    assert two_class_logits(z) is z


@pytest.mark.parametrize("threshold", [-0.1, 1.5, float("nan")])
def test_a_threshold_is_a_share(threshold):
    with pytest.raises(ValueError, match="threshold from 0 to 1, got"):
        two_class_logits(torch.zeros(1, 1, 2, 2), threshold)
