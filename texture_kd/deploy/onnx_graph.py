"""Segmentors as ONNX graphs, checked against PyTorch."""

import copy
from collections.abc import Sequence
from pathlib import Path

import torch
from mmseg.models import BaseSegmentor
from torch import Tensor, nn

from texture_kd.deploy.adaptive_mean import AdaptiveMean
from texture_kd.deploy.same_convolution import SameConv2d
from texture_kd.functional.binary_logits import two_class_logits
from texture_kd.input_channels import input_channels
from texture_kd.predicting_head import predicting_head

Size = tuple[int, int]
# mmcv's and timm's, by name: timm need not be there.
_SAME_CONVOLUTIONS = ("Conv2dAdaptivePadding", "Conv2dSame")


def export_onnx(
    network: BaseSegmentor,
    path: str | Path,
    size: Size,
    static: bool = False,
    facts: dict[str, str] | None = None,
) -> None:
    """Write a segmentor as an ONNX graph.

    The graph takes ``image`` (N, C, H, W), as the network's data preprocessor leaves
    it, of as many channels as the network has, and returns ``logits`` (N, K, H, W) for
    each of its pixels, the largest of which is the network's decision. A head of one
    channel, with its threshold, has two classes here. Auxiliary heads are no part of
    it.

    Args:
        network: a segmentor in evaluation mode; it stays as it is.
        path: of the file.
        size: height and width of the image that it is traced with.
        static: whether images have to have this size. N is free in any case.
        facts: what the file is to say of itself.

    Raises:
        ImportError: the package ``onnxscript`` is missing.
        torch.onnx.OnnxExporterError: there is no translation of a layer.
    """
    graph = _Logits(_exportable(network, static)).eval()
    free = torch.export.Dim.DYNAMIC
    axes = {0: free} if static else {0: free, 2: free, 3: free}
    program = torch.onnx.export(
        graph,
        # A single image would make the number of images a constant.
        (torch.zeros(2, input_channels(network), *size),),
        dynamo=True,
        dynamic_shapes=dict(image=axes),
        input_names=["image"],
        output_names=["logits"],
        verbose=False,
    )
    program.model.metadata_props.update(facts or {})
    program.save(str(path))


def largest_difference(
    network: BaseSegmentor, path: str | Path, sizes: Sequence[Size]
) -> float:
    """Compare an ONNX graph with the network that it was made of.

    Args:
        network: the segmentor, in evaluation mode.
        path: of the graph.
        sizes: heights and widths of random images to compare at. There is one image of
            the first size, two of the second and so on.

    Returns:
        The largest difference of the logits, as a share of the largest logit; NaN if
        there is one.

    Raises:
        ImportError: the package ``onnxruntime`` is missing.
        ValueError: the graph or the network fails at a size, or the graph gives another
            number of logits.
    """
    import onnxruntime
    from onnxruntime.capi.onnxruntime_pybind11_state import (
        Fail,
        InvalidArgument,
        InvalidGraph,
        InvalidProtobuf,
        RuntimeException,
    )

    failures = (
        Fail,
        InvalidArgument,
        InvalidGraph,
        InvalidProtobuf,
        RuntimeException,
    )
    try:
        session = onnxruntime.InferenceSession(str(path))
    except failures as error:
        raise ValueError(f"ONNX Runtime does not load the graph: {error}") from error
    reference = _Logits(network)
    generator = torch.Generator().manual_seed(0)
    differences = []
    for count, size in enumerate(sizes, start=1):
        image = torch.randn(count, input_channels(network), *size, generator=generator)
        try:
            with torch.no_grad():
                expected = reference(image)
        except (AssertionError, RuntimeError, ValueError) as error:
            raise ValueError(
                f"the network takes no image of {size}: {error}"
            ) from error
        try:
            (found,) = session.run(["logits"], dict(image=image.numpy()))
        except failures as error:
            raise ValueError(f"the graph fails at {size}: {error}") from error
        found = torch.from_numpy(found)
        if found.shape != expected.shape:
            raise ValueError(
                f"the graph gives logits of {tuple(found.shape)} for an image of "
                f"{size}, and the network of {tuple(expected.shape)}"
            )
        differences.append((found - expected).abs().max() / expected.abs().max())
    return torch.stack(differences).max().item()


class _Logits(nn.Module):
    """An image's logits, at the size of the image."""

    def __init__(self, network: BaseSegmentor) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        network = self.network
        logits = network.encode_decode(image, [dict(img_shape=image.shape[2:])])
        head = predicting_head(network)
        return two_class_logits(
            logits, 0.5 if head.threshold is None else head.threshold
        )


def _exportable(network: BaseSegmentor, static: bool) -> BaseSegmentor:
    network = copy.deepcopy(network).cpu()
    for module in list(network.modules()):
        for name, layer in module.named_children():
            if isinstance(layer, nn.AdaptiveAvgPool2d):
                # One window, as in squeeze and excitation, is a plain mean.
                if layer.output_size in (1, (1, 1)):
                    continue
                setattr(module, name, AdaptiveMean(layer.output_size))
            elif type(layer).__name__ in _SAME_CONVOLUTIONS and not static:
                setattr(module, name, SameConv2d(layer))
    return network
