"""Networks and distillers that are small enough for a test, and their training."""

import copy

import torch
from mmengine.config import ConfigDict
from mmengine.optim import OptimWrapper

NUM_CLASSES = 5


def segmentor(channels: int, **head) -> dict:
    """A PSPNet-R18 of the given width, small enough to train in a test."""
    shared = dict(
        num_classes=NUM_CLASSES,
        norm_cfg=dict(type="BN"),
        align_corners=False,
        loss_decode=dict(type="mmseg.CrossEntropyLoss"),
    )
    return dict(
        type="mmseg.EncoderDecoder",
        test_cfg=ConfigDict(mode="whole"),
        data_preprocessor=dict(
            type="mmseg.SegDataPreProcessor",
            mean=[127.0] * 3,
            std=[50.0] * 3,
            size=(32, 32),
            seg_pad_val=255,
        ),
        backbone=dict(
            type="mmseg.ResNetV1c",
            depth=18,
            stem_channels=channels,
            base_channels=channels,
            norm_cfg=dict(type="BN"),
            dilations=(1, 1, 2, 4),
            strides=(1, 2, 1, 1),
        ),
        decode_head=dict(
            type="mmseg.PSPHead",
            in_channels=8 * channels,
            in_index=3,
            channels=channels,
            pool_scales=(1, 2),
            dropout_ratio=0.5,
            **shared,
            **head,
        ),
        auxiliary_head=dict(
            type="mmseg.FCNHead",
            in_channels=4 * channels,
            in_index=2,
            channels=channels,
            num_convs=1,
            concat_input=False,
            **shared,
        ),
    )


def recorders(**sources: str) -> dict:
    return {
        name: dict(type="ModuleOutputs", source=source)
        for name, source in sources.items()
    }


def sstkd(weight: float = 1.0) -> dict:
    """The distiller of the shipped configs for widths 8 and 4."""

    def stage(name: str) -> dict:
        return dict(
            s_feature=dict(from_student=True, recorder=name),
            t_feature=dict(from_student=False, recorder=name),
        )

    logits = dict(
        preds_S=dict(from_student=True, recorder="logits"),
        preds_T=dict(from_student=False, recorder="logits"),
        gt=dict(from_student=True, recorder="labels"),
    )
    shared = dict(
        stage1="backbone.layer1",
        stage2="backbone.layer2",
        logits="decode_head.conv_seg",
    )
    return dict(
        type="ConfigurableDistiller",
        student_recorders=dict(
            recorders(**shared),
            labels=dict(type="GroundTruth", source="gt_sem_seg"),
            image=dict(type="ModuleInputs", source="backbone"),
        ),
        teacher_recorders=recorders(**shared),
        distill_losses=dict(
            loss_structural=dict(
                type="CDMLoss",
                student_channels=4,
                teacher_channels=8,
                levels=(2, 1),
                loss_weight=weight,
            ),
            loss_statistical=dict(
                type="DTIEMLoss",
                student_channels=4 + 8,
                teacher_channels=8 + 16,
                distance="histogram",
                num_classes=NUM_CLASSES,
                channels=8,
                texture_channels=8,
                sampler=dict(regions=2, scales=(2, 3)),
                loss_weight=weight,
            ),
            loss_response=dict(type="ResponseKDLoss", loss_weight=weight),
            loss_adversarial=dict(
                type="AdversarialLoss",
                num_classes=NUM_CLASSES,
                channels=2,
                loss_weight=weight,
            ),
        ),
        loss_forward_mappings=dict(
            loss_structural=stage("stage1"),
            loss_statistical=dict(
                s_stage1=dict(from_student=True, recorder="stage1"),
                s_stage2=dict(from_student=True, recorder="stage2"),
                t_stage1=dict(from_student=False, recorder="stage1"),
                t_stage2=dict(from_student=False, recorder="stage2"),
                gt=dict(from_student=True, recorder="labels"),
            ),
            loss_response=logits,
            loss_adversarial=dict(
                logits, image=dict(from_student=True, recorder="image", data_idx=0)
            ),
        ),
    )


def train(model, batch, steps: int) -> list[dict]:
    """Run optimiser steps and return the logged values of each."""
    model.train()
    parameters = [p for p in model.parameters() if p.requires_grad]
    wrapper = OptimWrapper(torch.optim.SGD(parameters, lr=0.01, momentum=0.9))
    torch.manual_seed(7)
    return [model.train_step(copy.deepcopy(batch), wrapper) for _ in range(steps)]
