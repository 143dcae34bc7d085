"""Images of other channels than three, where a network runs on some of no data set."""

import numpy as np
import pytest
import torch
from small_segmentor import BACKBONE
from torch import nn

from texture_kd.analysis.operations import count_gflops
from texture_kd.deploy import export_onnx, largest_difference
from texture_kd.input_channels import input_channels
from texture_kd.pruning import remove_filters
from texture_kd.visualization.picture import shown_picture

# The exporter's own, about PyTorch's.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def of_channels(segmentor):
    """A segmentor of images with so many channels, and as many means or none."""

    def build(channels: int, means: int):
        network = segmentor(backbone=dict(BACKBONE, in_channels=channels))
        if means:
            network.data_preprocessor.mean = torch.zeros(means, 1, 1)
            network.data_preprocessor.std = torch.ones(means, 1, 1)
        else:
            del network.data_preprocessor.mean
        return network

    return build


@pytest.mark.parametrize(
    ("channels", "means"), [(4, 4), (1, 1), (3, 3), (3, 1), (7, 0)]
)
def test_the_network_or_its_means_are_asked(of_channels, channels, means):
    network = of_channels(channels, means)
    assert input_channels(network) == channels
    distillation = nn.Module()
    distillation.student = network
    assert input_channels(distillation) == channels
    assert input_channels(nn.Linear(2, 2)) == 3


@pytest.mark.parametrize("channels", [1, 4])
def test_what_runs_a_network_gives_it_its_channels(of_channels, tmp_path, channels):
    network = of_channels(channels, channels)
    assert count_gflops(network, (48, 80)) > 0
    smaller = remove_filters(network, (48, 80))
    assert smaller(torch.zeros(1, channels, 48, 80), mode="tensor").shape[1] == 3


def test_a_graph_takes_the_networks_channels(of_channels, tmp_path):
    network = of_channels(4, 4)
    path = tmp_path / "four.onnx"
    export_onnx(network, path, (48, 80), static=True)
    assert largest_difference(network, path, [(48, 80)]) < 1e-5


def test_pictures_are_of_the_first_three_channels_or_grey():
    image = torch.arange(4 * 2 * 5, dtype=torch.uint8).reshape(4, 2, 5)
    shown = shown_picture(image)
    assert shown.shape == (2, 5, 3)
    # BGR, and something more.
    assert np.array_equal(shown[..., 0], image[2])
    assert np.array_equal(shown[..., 2], image[0])
    assert np.array_equal(shown, shown_picture(image[:3]))
    for few in (image[:1], image[:2]):
        assert np.array_equal(shown_picture(few), np.stack([image[0]] * 3, -1))
    # Sixteen bits and floats have other ranges.
    wide = image.float() * 100 - 7
    low, high = wide[:3].min(), wide[:3].max()
    stretched = ((wide[:3] - low) * 255 / (high - low)).round()
    assert np.array_equal(shown_picture(wide)[..., 1], stretched[1].numpy())
    assert not shown_picture(torch.full((1, 2, 2), 3.0)).any()
