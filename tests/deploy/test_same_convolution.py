import pytest
import torch
from mmcv.cnn.bricks import Conv2dAdaptivePadding
from timm.layers import Conv2dSame
from torch import nn

from texture_kd.deploy import SameConv2d

SHAPES = [(1, 2), (2, 3), (3, 1), (3, 2), (4, 2), (3, 4), (5, 2)]


@pytest.mark.parametrize("stock", [Conv2dAdaptivePadding, Conv2dSame])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize(("kernel", "stride"), SHAPES)
def test_it_is_the_stock_layer(stock, kernel, stride, dilation):
    torch.manual_seed(0)
    conv = stock(4, 6, kernel, stride, dilation=dilation, groups=2).double()
    ours = SameConv2d(conv)
    for height in range(1, 10):
        x = torch.randn(2, 4, height, 17 - height).double()
        torch.testing.assert_close(ours(x), conv(x))


def test_axes_of_their_own():
    torch.manual_seed(0)
    conv = Conv2dAdaptivePadding(2, 3, (5, 3), (2, 3), bias=False).double()
    x = torch.randn(1, 2, 12, 13).double()
    torch.testing.assert_close(SameConv2d(conv)(x), conv(x))


def test_sizes_do_not_grow_from_layer_to_layer():
    def operations(count):
        """Count what an exporter computes the last layer's height by."""
        convs = [Conv2dAdaptivePadding(1, 1, 3, 2) for _ in range(count)]
        layers = nn.Sequential(*map(SameConv2d, convs))
        free = torch.export.Dim.DYNAMIC
        shapes = ({0: free, 2: free, 3: free},)
        x = torch.zeros(2, 1, 33, 49)
        program = torch.export.export(layers, (x,), dynamic_shapes=shapes)
        *_, end = program.graph.nodes
        return end.args[0][0].meta["val"].shape[2].node.expr.count_ops()

    assert operations(3) == operations(1)
