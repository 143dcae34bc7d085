"""Heads of one channel, which a sigmoid and a threshold turn into two classes."""

import pytest
import torch
from mmrazor.registry import MODELS
from toy_models import segmentor, sstkd


def network(channels: int, **head) -> dict:
    config = segmentor(channels)
    sigmoid = dict(type="mmseg.CrossEntropyLoss", use_sigmoid=True)
    binary = dict(num_classes=2, out_channels=1, threshold=0.3, loss_decode=sigmoid)
    for name in ("decode_head", "auxiliary_head"):
        config[name].update(binary)
    config["decode_head"].update(head)
    return config


def distiller() -> dict:
    config = sstkd()
    for loss in ("loss_statistical", "loss_adversarial"):
        config["distill_losses"][loss]["num_classes"] = 2
    return config


SOFTMAX = dict(out_channels=2, loss_decode=dict(type="mmseg.CrossEntropyLoss"))


@pytest.mark.parametrize("classes", [1, 2])
@pytest.mark.parametrize("teacher", [{}, SOFTMAX])
@pytest.mark.filterwarnings("ignore:For binary segmentation")
def test_they_are_distilled(build, batch, classes, teacher):
    for sample in batch["data_samples"]:
        labels = sample.gt_sem_seg.data
        sample.gt_sem_seg.data = labels.where(labels == 255, labels % 2)
    model = build(
        architecture=network(4, num_classes=classes),
        teacher=network(8, **teacher),
        distiller=distiller(),
    ).train()
    data = model.data_preprocessor(batch, training=True)
    losses = model(**data, mode="loss")
    assert all(torch.as_tensor(value).isfinite().all() for value in losses.values())
    assert losses["distill.loss_response"] > 0


@pytest.mark.parametrize("kind", ["KLDivergence", "mmrazor.DISTLoss"])
@pytest.mark.parametrize("source", ["decode_head.conv_seg", "decode_head"])
def test_a_softmax_over_one_channel_is_refused(model_config, kind, source):
    config = distiller()
    for side in ("student", "teacher"):
        config[f"{side}_recorders"]["logits"]["source"] = source
    loss = "loss_response"
    config["distill_losses"][loss] = dict(type=kind)
    mapped = config["loss_forward_mappings"][loss]
    del mapped["gt"]
    if kind.endswith("DISTLoss"):
        config["loss_forward_mappings"][loss] = dict(
            logits_S=mapped["preds_S"], logits_T=mapped["preds_T"]
        )
    networks = dict(architecture=network(4), teacher=network(8))
    with pytest.raises(ValueError, match=r"loss_response \(\w+\).*take ResponseKDLoss"):
        MODELS.build(model_config(**networks, distiller=config))


@pytest.mark.filterwarnings("ignore:For binary segmentation")
@pytest.mark.parametrize("source", ["decode_head.conv_seg", "decode_head"])
def test_other_losses_want_one_number_of_channels(model_config, source):
    config = distiller()
    config["student_recorders"]["logits"]["source"] = source
    loss = config["distill_losses"]["loss_response"]
    loss["type"] = "FFTLoss"
    loss["source"] = "raw"
    networks = dict(architecture=network(4), teacher=network(8, **SOFTMAX))
    with pytest.raises(ValueError, match=r"1 classes.*with 2.*same out_channels"):
        MODELS.build(model_config(**networks, distiller=config))
