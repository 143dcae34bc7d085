"""Run losses on a GPU that is not there, and print as JSON what is to be told of each.

It is what a loss waits for, and which operators have no deterministic form there.

Fake tensors have shapes, dtypes and a device, and no values. Tensors of two devices
that meet are an error, as they are on a GPU. A process has such a device for good, and
so this one has it and not that of the tests.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from mmengine.structures import InstanceData, PixelData
from mmseg.structures import SegDataSample
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from texture_kd import losses
from texture_kd.functional.contourlet import filter_bank
from texture_kd.recorders import ValidAreaRecorder

GPU = "absent_gpu"
CLASSES = 5
OPTIONS = (4, 3), "maxflat", "dmaxflat7"
HISTOGRAM = dict(distance="histogram")
# Operators whose result has a shape, or is a number, that only the device knows.
DEPENDENT = (
    "_local_scalar_dense",
    "equal",
    "nonzero",
    "_unique2",
    "unique_consecutive",
)
# Operators that raise on a GPU under torch.use_deterministic_algorithms(True), as its
# documentation names them. Of some it depends on what they are given. For bilinear
# resizing interpolate() takes other operators then.
INDEFINITE = (
    "avg_pool3d_backward",
    "_adaptive_avg_pool2d_backward",
    "_adaptive_avg_pool3d_backward",
    "adaptive_max_pool2d_backward",
    "fractional_max_pool2d_backward",
    "fractional_max_pool3d_backward",
    "max_unpool2d",
    "max_unpool3d",
    "upsample_linear1d_backward",
    "_upsample_bilinear2d_aa_backward",
    "upsample_bicubic2d_backward",
    "_upsample_bicubic2d_aa_backward",
    "upsample_trilinear3d_backward",
    "reflection_pad1d_backward",
    "reflection_pad2d_backward",
    "reflection_pad3d_backward",
    "nll_loss_forward",
    "nll_loss2d_forward",
    "_ctc_loss_backward",
    "_embedding_bag_dense_backward",
    "put",
    "put_",
    "histc",
    "grid_sampler_2d_backward",
    "grid_sampler_3d_backward",
)


class _Backend(backend_registration._DummyBackendModule):
    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]


class Waits(TorchDispatchMode):
    """Notes in which function of the package the CPU would wait for the GPU."""

    # What is done before the student runs may wait.
    noted = True

    def __init__(self) -> None:
        super().__init__()
        self.places: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func.overloadpacket.__name__ not in DEPENDENT:
            out = func(*args, **kwargs)
            if _on_gpu(args) != _on_gpu([out]) and _copies_and_waits(func, kwargs):
                self._note()
            return out
        if not _on_gpu(args):
            # The CPU asks whether its own input is wrong, or for a random number.
            return 0
        self._note()
        return _any_result(func.overloadpacket.__name__, args[0])

    def _note(self) -> None:
        if not self.noted:
            return
        # The second half of a step has no frame of the package.
        frames = [f for f in traceback.extract_stack() if "texture_kd" in f.filename]
        place = f"{Path(frames[-1].filename).stem}.{frames[-1].name}" if frames else "?"
        self.places.append(place)


class Indefinite(TorchDispatchMode):
    """Notes the operators that have no deterministic form."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if _on_gpu(args) and _is_indefinite(func, args, kwargs):
            self.names.add(func.overloadpacket.__name__)
        return func(*args, **kwargs)


def _is_indefinite(func, args: Sequence, kwargs: dict) -> bool:
    name = func.overloadpacket.__name__
    if name in ("cumsum", "cumsum_"):
        return args[0].is_floating_point() or args[0].is_complex()
    if name == "bincount":
        return len(args) > 1 or kwargs.get("weights") is not None
    if name in ("median", "nanmedian"):
        return len(args) > 1
    if name.startswith("scatter_reduce"):
        return "prod" in args
    return name in INDEFINITE


def _on_gpu(values: Sequence) -> bool:
    return any(
        x.device.type == GPU for x in tree_leaves(values) if isinstance(x, Tensor)
    )


def _copies_and_waits(func, kwargs: dict) -> bool:
    return func is torch.ops.aten._to_copy.default and not kwargs.get("non_blocking")


def _any_result(name: str, x: Tensor):
    """Return what there could be: one element, and nothing wrong."""
    if name == "_local_scalar_dense":
        return int(x.dtype != torch.bool)
    if name == "equal":
        return True
    if name == "nonzero":
        return x.new_empty(1, x.ndim, dtype=torch.int64)
    counts = x.new_empty(1, dtype=torch.int64)
    return x.new_empty(1), torch.empty_like(x, dtype=torch.int64), counts


def random(*shape: int) -> Tensor:
    return torch.rand(shape, device=GPU)


def learnt(*shape: int) -> Tensor:
    return random(*shape).requires_grad_()


def labels() -> Tensor:
    return torch.zeros(2, 32, 64, dtype=torch.int64, device=GPU)


def samples() -> list[SegDataSample]:
    return [
        SegDataSample(
            gt_sem_seg=PixelData(data=label[None]),
            gt_components=PixelData(data=label[None]),
            gt_instances=InstanceData(bboxes=random(3, 4)),
            metainfo=dict(batch_input_shape=(32, 64)),
        )
        for label in labels()
    ]


def valid() -> Tensor:
    """Record where images are that were padded on the right."""
    padded = [SegDataSample(metainfo=dict(img_shape=(32, 40))) for _ in range(2)]
    (area,) = ValidAreaRecorder().found(random(2, 3, 32, 64), padded)
    return area


def texture() -> Tensor:
    loss = on_gpu(losses.TextureLoss, (4, 4), (8, 6))
    student = learnt(2, 4, 16, 32), learnt(2, 4, 8, 16)
    valid = torch.ones(2, 32, 64, dtype=torch.bool, device=GPU)
    return loss(student, (random(2, 8, 16, 32), random(2, 6, 16, 32)), valid)


def frequency_weights() -> Tensor:
    """Run what is inside of the operator, which fake tensors pass over."""
    # The package has a function of the module's name.
    module = sys.modules["texture_kd.functional.contourlet.band_correlation"]
    weights = module._weights_like._init_fn(random(2, 4, 16, 32), *OPTIONS)
    return weights.requires_grad_().sum()


def structural(**options) -> Tensor:
    loss = on_gpu(losses.CDMLoss, 4, 8, **options)
    return loss(learnt(2, 4, 16, 32), random(2, 8, 16, 32))


def statistical(
    side: int = 16, padded: bool = False, prepared: bool = False, **options
) -> Tensor:
    loss = on_gpu(losses.DTIEMLoss, 12, 24, **options)
    student = learnt(2, 4, side, 32), learnt(2, 8, side, 32)
    teacher = random(2, 8, 16, 32), random(2, 16, 16, 32)
    more = dict(valid=labels() == 0) if padded else {}
    if prepared:
        Waits.noted = False
        loss.prepare(*teacher, **more)
        Waits.noted = True
    if "num_classes" in options:
        more["gt"] = labels()
    return loss(*student, *teacher, **more)


def adversarial(**more: Tensor) -> Tensor:
    loss = on_gpu(losses.AdversarialLoss, CLASSES)
    preds = learnt(2, 5, 16, 32), random(2, 5, 16, 32)
    return loss(*preds, random(2, 3, 32, 64), **more)


def of_logits(kind: Callable, *more: Tensor, side: int = 16) -> Tensor:
    preds = learnt(2, 5, side, 32), random(2, 5, 16, 32)
    return on_gpu(kind)(*preds, labels(), *more)


def of_features(kind: Callable, valid: Tensor | None = None, **options) -> Tensor:
    loss = on_gpu(kind, **options)
    return loss(learnt(2, 4, 8, 16), random(2, 8, 16, 32), valid=valid)


def lsfd(valid: Tensor | None = None, **options) -> Tensor:
    features = learnt(2, 8, 8, 16), random(2, 8, 16, 32)
    logits = learnt(2, 5, 8, 16), random(2, 5, 16, 32)
    loss = on_gpu(losses.LSFDLoss, **options)
    return loss(*features, *logits, labels(), valid)


def ds2d2(weighting: str, **more: Tensor) -> Tensor:
    loss = on_gpu(losses.DS2D2Loss, [4], [8], weighting=weighting)
    return loss((learnt(2, 4, 16, 32),), (random(2, 8, 16, 32),), samples(), **more)


def contourlet_operators() -> Tensor:
    """Run what is inside of them, which fake tensors pass over."""
    x = random(2, 4, 16, 32)
    bands = filter_bank.analyse._init_fn(x, *OPTIONS, False)
    images = filter_bank.synthesise._init_fn(bands, x.shape, *OPTIONS, True)
    return images.requires_grad_().sum()


def on_gpu(kind: Callable, *args, **options):
    with torch.device(GPU):
        return kind(*args, **options)


CASES = {
    "contourlet": contourlet_operators,
    "structural": structural,
    "structural, none": lambda: structural(normalise="none"),
    "structural, subband": lambda: structural(normalise="subband"),
    "texture": texture,
    "frequency weights": frequency_weights,
    "statistical": statistical,
    "statistical, grids": lambda: statistical(side=12),
    "statistical, global": lambda: statistical(mode="global"),
    "statistical, padded": lambda: statistical(padded=True),
    "statistical, prepared": lambda: statistical(padded=True, prepared=True),
    "statistical, learnt": lambda: statistical(**HISTOGRAM, num_classes=CLASSES),
    "statistical, none": lambda: statistical(
        **HISTOGRAM, mode="global", extractor="none"
    ),
    "response": lambda: of_logits(losses.ResponseKDLoss),
    "cwd, valid": lambda: of_logits(losses.CWDLoss, valid(), side=12),
    "response, valid": lambda: of_logits(losses.ResponseKDLoss, valid(), side=12),
    "adversarial": adversarial,
    "adversarial, valid": lambda: adversarial(valid=valid()),
    "lsfd": lsfd,
    "lsfd, valid": lambda: lsfd(valid()),
    "lsfd, channel": lambda: lsfd(valid(), normalise="channel"),
    "fft": lambda: of_logits(losses.FFTLoss),
    "fft, valid": lambda: of_logits(losses.FFTLoss, valid()),
    "fakd": lambda: of_features(losses.FAKDLoss),
    "fakd, valid": lambda: of_features(losses.FAKDLoss, valid(), standardise=True),
    "pairwise": lambda: of_features(losses.PairwiseKDLoss),
    "pairwise, valid": lambda: of_features(losses.PairwiseKDLoss, valid()),
    "ds2d2, none": lambda: ds2d2("none"),
    "ds2d2, none, valid": lambda: ds2d2("none", valid=valid()),
    "ds2d2, boxes": lambda: ds2d2("boxes"),
    "ds2d2, component": lambda: ds2d2("component"),
    "ds2d2, class": lambda: ds2d2("class"),
    "ds2d2, bbox": lambda: ds2d2("bbox"),
}


def told_of(case: Callable[[], Tensor]) -> tuple[list[str], list[str]]:
    """Run a loss and its gradient.

    Returns:
        The places that wait, each once, and the operators that would raise where
        PyTorch is told to be deterministic.
    """
    with FakeTensorMode(), Waits() as waits:
        case().backward()
        # Filters are prepared now.
        waits.places.clear()
        with Indefinite() as indefinite:
            case().backward()
    return sorted({*waits.places}), sorted(indefinite.names)


def of_a_network() -> Tensor:
    """Do what heads of MMSegmentation do, which is theirs to change."""
    x = learnt(2, 5, 16, 32)
    x = x + torch.nn.functional.adaptive_avg_pool2d(x, (2, 4)).mean()
    return torch.nn.functional.cross_entropy(x, labels()[:, ::2, ::2])


if __name__ == "__main__":
    backend_registration._setup_privateuseone_for_python_backend(
        rename=GPU, backend_module=_Backend()
    )
    cases = CASES | {"network": of_a_network}
    print(json.dumps({name: told_of(x) for name, x in cases.items()}), flush=True)
    # The device's thread of autograd does not end with Python as a real one's does.
    os._exit(0)
