"""What a loss gets beside recorded features: the samples, and the teacher."""

import pytest
import torch
from mmrazor.registry import MODELS

from texture_kd import DistillationLoss
from texture_kd.registry import register

SAMPLES = dict(type="ModuleInputs", source="")


@MODELS.register_module()
class CuriousLoss(DistillationLoss):
    """Keeps what it is given."""

    def attach_teacher(self, teacher):
        self.teacher = (teacher,)

    def forward(self, samples):
        self.samples = samples
        return torch.zeros(())


def distiller(**recorder) -> dict:
    return dict(
        type="ConfigurableDistiller",
        student_recorders=dict(samples=SAMPLES | recorder),
        teacher_recorders=dict(images=SAMPLES | recorder),
        distill_losses=dict(loss_curious=dict(type="CuriousLoss")),
        loss_forward_mappings=dict(
            loss_curious=dict(
                samples=dict(from_student=True, recorder="samples", data_idx=1)
            )
        ),
    )


def test_a_loss_gets_the_teacher_and_the_samples(build, batch):
    model = build(distiller=distiller()).train()
    loss = model.distiller.distill_losses.loss_curious
    assert loss.teacher[0] is model.teacher
    data = model.data_preprocessor(batch, training=True)
    model(**data, mode="loss")
    assert loss.samples is data["data_samples"]


def test_a_part_that_would_be_trained_is_refused(build, batch):
    model = build(distiller=distiller()).train()
    model.distiller.distill_losses.loss_curious.parts = {"own_loss": torch.ones(())}
    data = model.data_preprocessor(batch, training=True)
    with pytest.raises(ValueError, match=r"'part_curious\.own_loss' .* call it other"):
        model(**data, mode="loss")


def test_a_name_that_is_taken_is_told():
    class CuriousLoss(DistillationLoss):
        """Another one."""

    with pytest.raises(ValueError, match=r"teacher_handed_over has registered a Cur"):
        register("MODELS", CuriousLoss)


def test_parameters_have_names(model_config):
    with pytest.raises(ValueError, match="recorder 'samples' looks for ''"):
        MODELS.build(model_config(distiller=distiller(type="Parameter")))
