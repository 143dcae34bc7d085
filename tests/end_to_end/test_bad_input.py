"""Whatever is wrong is said, or has a defined result: no silence, no hang, no ruins."""

import errno
import os
import pickle
from unittest.mock import patch

import cv2
import numpy as np
import pytest
import torch
from mmengine.fileio import LocalBackend, get_file_backend
from mmengine.runner import save_checkpoint
from mmrazor.registry import MODELS

import texture_kd.components  # noqa: F401
from texture_kd.analysis.check_runner import CheckFailed, CheckRunner
from texture_kd.connectors import LFDConnector
from texture_kd.functional import band_limit
from texture_kd.losses import (
    CDMLoss,
    CWDLoss,
    FAKDLoss,
    FFTLoss,
    LSFDLoss,
    PairwiseKDLoss,
    ResponseKDLoss,
)

STUDENT = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
DISTILLED = f"sstkd_pspnet_r18-w32-d8_{STUDENT}"
DISTILLER = "model.distiller."
LOSSES = DISTILLER + "distill_losses."
MAPPINGS = DISTILLER + "loss_forward_mappings."
NAN, INF = float("nan"), float("inf")


pytestmark = pytest.mark.usefixtures("mmrazors_scope")


class Try:
    """What a case may use."""

    def __init__(self, read, folder):
        self.read, self.folder = read, folder

    def build(self, options):
        """Build a distillation with a config's options changed."""
        MODELS.build(self.read(DISTILLED, self.folder, **options).model)

    def train(self, options=None, **parts):
        """Run two iterations with a config's options or parts changed."""
        config = self.read(DISTILLED, self.folder, **(options or {}))
        config.update(parts)
        CheckRunner.from_cfg(config).train()

    def teacher(self, content):
        """Build a distillation whose teacher's checkpoint has this content."""
        path = self.folder / "teacher.pth"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            torch.save(content, path)
        self.build({"model.teacher_ckpt": str(path)})

    def images(self, image, label, workers=0):
        """Train on a folder of two equal images and their labels."""
        for name, content in (("img/{}.jpg", image), ("ann/{}.png", label)):
            for number in range(2):
                path = self.folder / name.format(number)
                path.parent.mkdir(exist_ok=True)
                if content is not None:
                    path.write_bytes(content)
        pipeline = [
            dict(type="LoadImageFromFile"),
            dict(type="LoadAnnotations"),
            dict(type="PackSegInputs"),
        ]
        dataset = dict(
            type="BaseSegDataset",
            metainfo=dict(classes=tuple("abcdefghijkl"), palette=[[0, 0, 0]] * 12),
            data_root=str(self.folder),
            data_prefix=dict(img_path="img", seg_map_path="ann"),
            img_suffix=".jpg",
            seg_map_suffix=".png",
            pipeline=pipeline,
        )
        config = self.read(DISTILLED, self.folder)
        config.train_dataloader.dataset = dataset
        config.train_dataloader.num_workers = workers
        CheckRunner.from_cfg(config).train()


def encoded(array, kind):
    return cv2.imencode(kind, array)[1].tobytes()


def picture(size=64):
    return encoded(np.zeros((size, size, 3), np.uint8), ".jpg")


def labels(value=0, size=64):
    return encoded(np.full((size, size), value, np.uint8), ".png")


class Hostile:
    def __reduce__(self):
        return os.mkdir, ("created",)


def features(channels, size=8, count=2):
    return torch.randn(count, channels, size, size)


def failing(error):
    """Have MMEngine's files fail in the middle of a write."""

    def half_written(self, obj, filepath):
        with open(filepath, "wb") as file:
            file.write(obj[: len(obj) // 2])
        raise error

    return patch.object(LocalBackend, "put", half_written)


def full_disk(tried):
    """Write a checkpoint over another when there is no more room."""
    path = tried.folder / "iter_2.pth"
    backend = dict(backend="whole_file")
    save_checkpoint(dict(state_dict={"w": torch.ones(2)}), str(path), None, backend)
    kept = path.read_bytes()
    try:
        with failing(OSError(errno.ENOSPC, "No space left on device", str(path))):
            save_checkpoint(dict(state_dict={}), str(path), None, backend)
    finally:
        assert path.read_bytes() == kept
        assert os.listdir(tried.folder) == ["iter_2.pth"]


REFUSED = {
    # Features and logits.
    "channels of a structural loss": (
        lambda _: CDMLoss(4, 8)(features(3), features(8)),
        "expected 4 channels from the student, got 3: set student_channels=3",
    ),
    "a feature without a grid": (
        lambda _: CDMLoss(4, 8)(torch.randn(2, 4, 8), features(8)),
        r"\(2, 4, 8\)",
    ),
    "a feature of integers": (
        lambda _: FAKDLoss()(features(4).long(), features(8)),
        "floating point feature .* from the student",
    ),
    "a tuple of features": (
        lambda _: PairwiseKDLoss()((features(4),), features(8)),
        "got tuple: .* data_idx",
    ),
    "another number of images": (
        lambda _: LSFDLoss(attention="none")(features(8, count=1), features(8)),
        "as many images .* got 1 and 2",
    ),
    "features that nothing aligns": (
        lambda _: LSFDLoss(attention="none")(features(4), features(8)),
        "give s_feature an LFDConnector with out_channel=8",
    ),
    "an attention without logits": (
        lambda _: LSFDLoss()(features(8), features(8)),
        "map preds_S and preds_T",
    ),
    "channels of a connector": (
        lambda _: LFDConnector(4, 8).forward_train(features(3)),
        "set in_channel to its channels",
    ),
    "other classes": (
        lambda _: ResponseKDLoss()(features(3), features(4)),
        "3 and 4 classes",
    ),
    "one channel beside two": (
        lambda _: CWDLoss()(features(1), features(2)),
        "heads with the same out_channels",
    ),
    "labels of another shape": (
        lambda _: ResponseKDLoss()(features(3), features(3), torch.zeros(3).long()),
        "labels",
    ),
    "labels that are no integers": (
        lambda _: ResponseKDLoss()(features(3), features(3), torch.zeros(2, 8, 8)),
        "integer",
    ),
    "channels of a spectrum": (
        lambda _: FFTLoss()(features(3), features(4)),
        r"\(2, 3, 8, 8\).*\(2, 4, 8, 8\)",
    ),
    "a grid larger than the feature": (
        lambda _: band_limit(features(3), (9, 9)),
        r"a grid of \(9, 9\) is empty or larger than the map of \(8, 8\)",
    ),
    "an unknown option": (
        lambda _: CDMLoss(4, 8, normalise="subbands"),
        "normalise.*subband",
    ),
    "no levels": (lambda _: CDMLoss(4, 8, levels=()), "at least one contourlet level"),
    # Typing errors in a config.
    "a recorder that is not there": (
        lambda t: t.build({f"{MAPPINGS}loss_response.preds_S.recorder": "logit"}),
        "did you mean logits",
    ),
    "an argument that is not there": (
        lambda t: t.build({f"{MAPPINGS}loss_response.pred_S": dict(recorder="logits")}),
        "did you mean preds_S",
    ),
    "a side that is not said": (
        lambda t: t.build(
            {f"{MAPPINGS}loss_response.preds_S": dict(_delete_=True, recorder="logits")}
        ),
        "needs 'from_student'",
    ),
    "a loss that nothing calls": (
        lambda t: t.build({f"{LOSSES}loss_more": dict(type="ResponseKDLoss")}),
        "which loss_forward_mappings never calls",
    ),
    "a loss that would not be trained": (
        lambda t: t.build({f"{LOSSES}response": dict(type="ResponseKDLoss")}),
        "would be logged and not trained",
    ),
    "a layer that is not there": (
        lambda t: t.build(
            {f"{DISTILLER}student_recorders.stage1.source": "backbone.layer5"}
        ),
        "did you mean backbone.layer",
    ),
    "a teacher that does not run": (
        lambda t: t.build(
            {f"{DISTILLER}teacher_recorders.logits.source": "auxiliary_head.conv_seg"}
        ),
        "the teacher runs without its auxiliary head",
    ),
    "a precision that is none": (
        lambda t: t.build({"model.teacher_dtype": "half"}),
        "'float16', 'bfloat16' or None, not 'half'",
    ),
    "a trained teacher": (
        lambda t: t.build({"model.teacher_trainable": True}),
        "TextureDistill has no teacher_trainable",
    ),
    "a teacher of other classes": (
        lambda t: t.build({"model.teacher.decode_head.num_classes": 9}),
        "12 classes and of a teacher with 9",
    ),
    "a teacher that sees other images": (
        lambda t: t.build({"model.teacher.data_preprocessor.mean": [0.0, 0.0, 0.0]}),
        "the teacher would see images that it was not trained on",
    ),
    "a type that nothing has registered": (
        lambda t: t.train({"optim_wrapper.optimizer.type": "AdamX"}),
        "optimizer.type='AdamX'; did you mean Adam",
    ),
    # Files.
    "a teacher that is not there": (
        lambda t: t.build({"model.teacher_ckpt": "absent.pth"}),
        r"absent\.pth",
    ),
    "an empty teacher": (lambda t: t.teacher(b""), "cannot be read"),
    "a broken teacher": (
        lambda t: t.teacher(b"PK\x03\x04 and so on"),
        "cannot be read",
    ),
    "a hostile teacher": (
        lambda t: t.teacher(pickle.dumps(Hostile(), protocol=2)),
        "was refused",
    ),
    "a teacher of another network": (
        lambda t: t.teacher(dict(state_dict={"w": torch.ones(2)})),
        "lacks .* weights",
    ),
    "a teacher without weights": (lambda t: t.teacher([1, 2]), "no dict of weights"),
    "a full disk": (full_disk, "No space left on device"),
    "a folder that cannot be made": (
        lambda t: get_file_backend(backend_args=dict(backend="whole_file")).put(
            b"", "/dev/null/iter_2.pth"
        ),
        "/dev/null",
    ),
    # Data.
    "no images": (
        lambda t: t.images(None, None),
        "a data set has no images: look at its data_root",
    ),
    "an empty image": (lambda t: t.images(b"", labels()), "empty"),
    "a corrupt image": (
        lambda t: t.images(picture()[:40], labels()),
        "failed to load image: .*img/[01].jpg",
    ),
    "no labels": (
        lambda t: t.images(picture(), None, workers=1),
        r"^reading the first batch: FileNotFoundError: .*/ann/[01]\.png' \(",
    ),
    "a label out of range": (
        lambda t: t.images(picture(), labels(12)),
        r"ann/[01]\.png have \[12\], and the decode head's classes are 0 to 11",
    ),
    "labels of another size": (
        lambda t: t.images(picture(), labels(size=32)),
        r"iteration 1: .*/ann/.*\(96, 96\) where the images .* \(128, 128\)",
    ),
}
ERRORS = (CheckFailed, OSError, RuntimeError, ValueError, pickle.UnpicklingError)


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_named(case, tiny_mosaic, tmp_path):
    attempt, said = REFUSED[case]
    folder = tmp_path / "work"
    folder.mkdir()
    with pytest.raises(ERRORS, match=said):
        attempt(Try(tiny_mosaic, folder))
    assert not os.path.exists("created")


DEFINED = {
    "NaN in a feature": (
        lambda: CDMLoss(4, 8)(features(4) * NAN, features(8)),
        NAN,
    ),
    "infinity in a feature": (
        lambda: CDMLoss(4, 8)(features(4), features(8) * INF),
        NAN,
    ),
    "NaN in logits": (lambda: ResponseKDLoss()(features(3) * NAN, features(3)), NAN),
    "infinite logits": (lambda: ResponseKDLoss()(features(3), features(3) * INF), NAN),
    "nothing but ignored pixels": (
        lambda: ResponseKDLoss()(features(3), features(3), torch.full((2, 8, 8), 255)),
        0.0,
    ),
    "the same logits": (lambda: ResponseKDLoss()(*[features(3)] * 2), 0.0),
    "features of zeros": (
        lambda: LSFDLoss(attention="none")(features(4) * 0, features(4) * 0),
        0.0,
    ),
    "a constant feature": (
        lambda: PairwiseKDLoss()(torch.ones(2, 4, 8, 8), torch.ones(2, 8, 8, 8)),
        0.0,
    ),
}


@pytest.mark.parametrize("case", DEFINED)
def test_other_input_has_a_defined_result(case):
    compute, expected = DEFINED[case]
    torch.manual_seed(0)
    torch.testing.assert_close(
        compute().item(), expected, atol=1e-6, rtol=0, equal_nan=True
    )


def test_a_killed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "iter_2.pth"
    backend = get_file_backend(backend_args=dict(backend="whole_file"))
    backend.put(b"old", str(path))
    with failing(KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
        backend.put(b"new", str(path))
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["iter_2.pth"]
    backend.put(b"new", str(path))
    assert path.read_bytes() == b"new"
