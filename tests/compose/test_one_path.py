"""Distiller and TextureDistill compute the same, to rounding, step by step."""

import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmrazor.registry import MODELS
from test_distillation import SIZE, STUDENT, TEACHER, batch, shipped
from torch import nn

from texture_kd import Distiller
from texture_kd.compose import distillation_model
from texture_kd.recipes import METHODS


class Predicts(nn.Module):
    """A segmentor in a loop of one's own: images in, logits out."""

    def __init__(self, segmentor):
        super().__init__()
        self.backbone, self.decode_head = segmentor.backbone, segmentor.decode_head

    def forward(self, images):
        return self.decode_head(self.backbone(images))


def networks():
    student, teacher = (shipped(name).model.to_dict() for name in (STUDENT, TEACHER))
    for model in (student, teacher):
        model["data_preprocessor"]["size"] = SIZE
        model["decode_head"]["dropout_ratio"] = 0.0
    return student, teacher


@pytest.mark.parametrize("method", sorted(METHODS.keys() - {"sstkd"}))
def test_three_steps_are_the_same(method):
    torch.manual_seed(0)
    config = distillation_model(*networks(), method).model
    model = MODELS.build(ConfigDict(config, calculate_student_loss=False)).train()
    student, teacher = (
        Predicts(copy.deepcopy(x)) for x in (model.student, model.teacher)
    )
    data = model.data_preprocessor(batch(), True)
    labels = torch.stack([x.gt_sem_seg.data[0] for x in data["data_samples"]])
    names = [f"backbone.layer{i}" for i in range(1, 5)]
    distiller = Distiller(
        student, teacher, method, example=data["inputs"], student_stages=names
    )
    distiller.terms.load_state_dict(model.distiller.distill_losses.state_dict())
    student.train()
    steps = [
        torch.optim.SGD([*network.parameters(), *terms.parameters()], 0.01)
        for network, terms in (
            (model.student, model.distiller.distill_losses),
            (student, distiller),
        )
    ]
    for _ in range(3):
        for step in steps:
            step.zero_grad()
        losses = model(**data, mode="loss")
        theirs = {k: v for k, v in losses.items() if k.startswith("distill.loss")}
        _, ours = distiller(data["inputs"], labels=labels)
        assert [f"distill.{name}" for name in ours] == list(theirs)
        torch.testing.assert_close([*ours.values()], [*theirs.values()])
        for side in (ours, theirs):
            sum(side.values()).backward()
        grads = [
            {name: p.grad for name, p in network.backbone.named_parameters()}
            for network in (student, model.student)
        ]
        torch.testing.assert_close(*grads, rtol=1e-4, atol=1e-6)
        for step in steps:
            step.step()
