"""What images were padded by reaches no loss: the recorder in a training."""

import copy

import torch
from mmengine.structures import PixelData
from mmrazor.registry import MODELS
from mmseg.structures import SegDataSample
from toy_models import NUM_CLASSES, recorders, segmentor

SIZES = ((32, 32), (20, 32), (32, 12))
LOSSES = {f"loss_{x}" for x in ("response", "fft", "bands", "texture", "statistical")}


def distiller(valid: bool) -> dict:
    """Losses of responses and of stages, with or without the valid area."""
    given = dict(valid=dict(from_student=True, recorder="valid")) if valid else {}
    logits, stages = (
        {
            name: dict(from_student=student, recorder=recorder)
            for name, student in zip(names, (True, False), strict=True)
        }
        for names, recorder in (
            (("preds_S", "preds_T"), "logits"),
            (("student", "teacher"), "stages"),
        )
    )
    two_stages = {
        f"{side}_stage{number}": dict(
            from_student=side == "s", recorder="stages", data_idx=number - 1
        )
        for side in "st"
        for number in (1, 2)
    }
    sources = recorders(logits="decode_head.conv_seg", stages="backbone")
    return dict(
        type="ConfigurableDistiller",
        student_recorders=dict(sources, valid=dict(type="ValidArea")),
        teacher_recorders=sources,
        distill_losses=dict(
            loss_response=dict(type="ResponseKDLoss"),
            loss_fft=dict(type="FFTLoss"),
            loss_bands=dict(
                type="DS2D2Loss",
                student_channels=(4, 8, 16, 32),
                teacher_channels=(8, 16, 32, 64),
                weighting="none",
            ),
            loss_texture=dict(
                type="TextureLoss",
                student_channels=(4, 8, 16, 32),
                teacher_channels=(8, 16, 32, 64),
                levels=(1,),
            ),
            loss_statistical=dict(
                type="DTIEMLoss",
                student_channels=4 + 8,
                teacher_channels=8 + 16,
                sampler=dict(regions=2, scales=(2,)),
                seed=0,
            ),
        ),
        loss_forward_mappings=dict(
            loss_response=logits | given,
            loss_fft=logits | given,
            loss_bands=stages | given,
            loss_texture=stages | given,
            loss_statistical=two_stages | given,
        ),
    )


def batch(*sizes: tuple[int, int]) -> dict:
    """What a data loader yields of crops of these sizes."""
    generator = torch.Generator().manual_seed(1)
    crops = [torch.randint(256, (3, *s), generator=generator).byte() for s in sizes]
    samples = [
        SegDataSample(
            gt_sem_seg=PixelData(
                data=torch.randint(NUM_CLASSES, (1, *size), generator=generator)
            ),
            metainfo=dict(img_shape=size, ori_shape=size),
        )
        for size in sizes
    ]
    return dict(inputs=crops, data_samples=samples)


def losses_of(given: dict, valid: bool) -> tuple[dict, dict]:
    """Return the losses of a step, and the valid area that each was called with."""
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            _scope_="mmrazor",
            type="TextureDistill",
            architecture=segmentor(4),
            teacher=segmentor(8),
            distiller=distiller(valid),
        )
    )
    seen = {}
    for name, loss in model.distiller.distill_losses.items():
        loss.register_forward_pre_hook(
            lambda _, args, kwargs, name=name: seen.update({name: kwargs.get("valid")}),
            with_kwargs=True,
        )
    model.train()
    data = model.data_preprocessor(copy.deepcopy(given), training=True)
    losses = model(**data, mode="loss")
    model.parse_losses(losses)[0].backward()
    weight = model.student.backbone.stem[0].weight
    assert weight.grad.isfinite().all()
    return {k: v for k, v in losses.items() if k.startswith("distill.loss")}, seen


def test_losses_are_told_where_the_images_are():
    expected = torch.zeros(3, 1, 32, 32, dtype=torch.bool)
    for n, (height, width) in enumerate(SIZES):
        expected[n, :, :height, :width] = True
    losses, seen = losses_of(batch(*SIZES), valid=True)
    assert seen.keys() == LOSSES
    assert all(torch.equal(valid, expected) for valid in seen.values())
    others, _ = losses_of(batch(*SIZES), valid=False)
    for name, loss in losses.items():
        assert loss.isfinite()
        assert loss != others[name]


def test_without_padding_nothing_is_different():
    given = batch((32, 32), (32, 32))
    losses, seen = losses_of(given, valid=True)
    assert seen == dict.fromkeys(LOSSES)
    others, _ = losses_of(given, valid=False)
    for name, loss in losses.items():
        assert torch.equal(loss, others[name])
