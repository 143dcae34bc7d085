"""The statistical term composes in MMRazor's own algorithm, without ours."""

import copy

import torch
from mmengine.optim import OptimWrapper
from mmrazor.models.algorithms import SingleTeacherDistill
from toy_models import sstkd


def statistical():
    """The distiller of the shipped configs, with the statistical term alone."""
    distiller = sstkd()
    for name in ("distill_losses", "loss_forward_mappings"):
        distiller[name] = {"loss_statistical": distiller[name]["loss_statistical"]}
    return distiller


def test_a_step_of_mmrazors_own_algorithm_trains_student_and_distiller(build, batch):
    model = build(type="SingleTeacherDistill", distiller=statistical())
    # MMRazor's own returns nothing.
    model.train()
    assert type(model) is SingleTeacherDistill
    teacher = copy.deepcopy(dict(model.teacher.named_parameters()))
    before = copy.deepcopy(dict(model.distiller.named_parameters()))

    data = model.data_preprocessor(copy.deepcopy(batch), training=True)
    losses = model(**data, mode="loss")
    loss = losses["distill.loss_statistical"]
    assert loss.isfinite()
    assert loss > 0
    loss.backward()
    backbone = model.student.backbone
    for module in (backbone.stem, backbone.layer1, backbone.layer2):
        # Residual branches start at zero, and pass nothing to their first layers.
        assert any(p.grad.abs().sum() > 0 for p in module.parameters())
    distiller = dict(model.distiller.named_parameters())
    assert distiller
    for name, parameter in distiller.items():
        assert parameter.requires_grad, name
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name
    assert all(p.grad is None for p in model.teacher.parameters())

    trained = [p for p in model.parameters() if p.requires_grad]
    wrapper = OptimWrapper(torch.optim.SGD(trained, lr=0.01))
    wrapper.zero_grad()
    log = model.train_step(copy.deepcopy(batch), wrapper)
    assert log["loss"].isfinite()
    for name, parameter in distiller.items():
        # What all pixels have more is gone when their texture is standardised.
        if not name.endswith(("extractor.value.bias", "extractor.out.bias")):
            assert not torch.equal(parameter, before[name]), name
    for name, parameter in model.teacher.named_parameters():
        assert torch.equal(parameter, teacher[name]), name
