"""Where in the image the cells of two networks' features look."""

import pytest
import torch
from mmrazor.models.distillers import ConfigurableDistiller
from mmseg.models.backbones import ResNet
from torch import nn

from texture_kd.analysis.feature_grids import (
    _shortened,
    cell_place,
    cells_apart,
    without_weights,
)

pytestmark = pytest.mark.usefixtures("mmrazors_scope")


class TensorFlowConv(nn.Conv2d):
    """A convolution of 3x3 and stride 2, padded behind where the side is even."""

    def __init__(self, ours: int, theirs: int) -> None:
        super().__init__(ours, theirs, 3, stride=2, bias=False)

    def forward(self, x):
        rows, columns = (1 - side % 2 for side in x.shape[2:])
        padded = nn.functional.pad(x, (1 - columns, 1, 1 - rows, 1))
        return super().forward(padded)


def usual(ours: int, theirs: int) -> nn.Module:
    return nn.Conv2d(ours, theirs, 3, stride=2, padding=1, bias=False)


class Network(nn.Module):
    """Two halvings, with what must not matter: norms, ReLU6 and biases."""

    def __init__(self, conv, middle: nn.Module | None = None) -> None:
        super().__init__()
        steps = (nn.BatchNorm2d(4), nn.ReLU6(), middle or nn.Conv2d(4, 4, 1))
        self.backbone = nn.Sequential(conv(3, 4), *steps, conv(4, 5))
        self.head = nn.Identity()

    def forward(self, images, mode):
        assert mode == "tensor"
        return self.head(self.backbone(images))


class Stages(nn.Module):
    """A ResNet of MMSegmentation."""

    def __init__(self, **options) -> None:
        super().__init__()
        self.backbone = ResNet(18, base_channels=4, stem_channels=4, **options)

    def forward(self, images, mode):
        return self.backbone(images)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def apart(student, teacher, height, width):
    recorder = dict(feature=dict(type="ModuleOutputs", source="backbone"))
    mapping = {
        f"preds_{side}": dict(from_student=side == "S", recorder="feature")
        for side in "ST"
    }
    distiller = ConfigurableDistiller(
        student_recorders=recorder,
        teacher_recorders=recorder,
        distill_losses=dict(loss_a=dict(type="PKDLoss")),
        loss_forward_mappings=dict(loss_a=mapping),
    )
    distiller.prepare_from_student(student.eval())
    distiller.prepare_from_teacher(teacher.eval())
    return cells_apart(student, teacher, distiller, (3, height, width))


def test_padding_behind_looks_elsewhere_and_the_loss_is_named():
    (said,) = apart(Network(usual), Network(TensorFlowConv), 64, 80)
    assert said.startswith("loss_a compares cells of 4 pixels ")
    assert "3.0 rows and 3.0 columns apart" in said
    assert "backbones.md" in said


def test_one_axis_is_enough():
    (said,) = apart(Network(TensorFlowConv), Network(usual), 65, 64)
    assert "0.0 rows and 3.0 columns apart" in said


@pytest.mark.parametrize("size", [(65, 65), (193, 257), (385, 641)])
def test_sides_of_one_more_than_a_multiple_bring_both_together(size):
    assert apart(Network(usual), Network(TensorFlowConv), *size) == []


@pytest.mark.parametrize("size", [(64, 96), (65, 65), (75, 100), (512, 512)])
def test_residual_networks_of_any_size_and_stride_look_alike(size):
    dilated = Stages(strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4))
    assert apart(Stages(), dilated, *size) == []
    assert apart(dilated, Stages(), *size) == []


def test_the_place_is_that_of_kernels_and_strides_whatever_the_weights():
    network = Stages().eval()
    for value in network.parameters():
        nn.init.normal_(value, std=3)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    images = (1e-3 * torch.rand(1, 3, 256, 320)).requires_grad_()
    run = without_weights(network)
    places = [cell_place(x, images) for x in run(images, mode="tensor")]
    # Cell i of stride s looks at pixel s i, but for what the borders cut.
    assert places[0] == pytest.approx((128, 160), abs=1e-3)
    for place in places[1:]:
        assert place == pytest.approx((128, 160), abs=0.5)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
    maximum = network.backbone.maxpool(images)
    assert torch.equal(maximum, nn.functional.max_pool2d(images, 3, 2, 1))


def test_shorter_sides_have_the_same_remainders():
    assert [_shortened(n) for n in (64, 257, 320)] == [64, 257, 320]
    for side in (321, 512, 513, 1025):
        assert _shortened(side) % 64 == side % 64
        assert 256 < _shortened(side) <= 320


class Constant(nn.Module):
    """Gives maps that depend on nothing but themselves."""

    def forward(self, x):
        return x - x.mean(1, keepdim=True)


def test_what_has_no_gradient_is_not_judged():
    teacher = Network(TensorFlowConv)
    assert apart(Network(usual, Constant()), teacher, 64, 64) == []


class NeedsMore(nn.Module):
    def forward(self, x):
        raise TypeError("no data samples")


def test_a_head_that_fails_hides_no_feature():
    student = Network(usual)
    student.head = NeedsMore()
    assert len(apart(student, Network(TensorFlowConv), 64, 64)) == 1
