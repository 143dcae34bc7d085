"""The losses ignore the label that the student's decode head ignores."""

import copy

import pytest
import torch
from mmengine.structures import PixelData
from mmrazor.registry import MODELS
from toy_models import NUM_CLASSES, segmentor, sstkd

from texture_kd.datasets import label_components

STAGES = dict(type="ModuleOutputs", source="backbone")


def networks(ignored: int) -> dict:
    """Both networks; the teacher's head is another's, and says nothing of the data."""
    student = segmentor(4, ignore_index=ignored)
    student["auxiliary_head"]["ignore_index"] = ignored
    return dict(architecture=student, teacher=segmentor(8, ignore_index=77))


def distiller() -> dict:
    """All losses that read labels."""
    config = sstkd()
    sides = dict(
        preds_S=dict(from_student=True, recorder="logits"),
        preds_T=dict(from_student=False, recorder="logits"),
    )
    labelled = dict(sides, gt=dict(from_student=True, recorder="labels"))
    config["student_recorders"].update(
        stages=STAGES,
        samples=dict(type="DataSamples"),
    )
    config["teacher_recorders"].update(stages=STAGES)
    channels = dict(
        student_channels=(4, 8, 16, 32), teacher_channels=(8, 16, 32, 64), levels=(3,)
    )
    of_stages = dict(
        student=dict(from_student=True, recorder="stages"),
        teacher=dict(from_student=False, recorder="stages"),
        samples=dict(from_student=True, recorder="samples"),
    )
    amplifiers = {
        kind: dict(full=dict(type="SegmentationAmplifier", kind=kind))
        for kind in ("kl", "cwd")
    }
    ds2d2 = dict(type="DS2D2Loss", **channels)
    config["distill_losses"].update(
        loss_lsfd=dict(type="LSFDLoss"),
        loss_fft=dict(type="FFTLoss"),
        loss_cwd=dict(type="CWDLoss"),
        loss_class=dict(ds2d2, weighting="class", amplifiers=amplifiers["kl"]),
        loss_component=dict(ds2d2, amplifiers=amplifiers["cwd"]),
        loss_bbox=dict(ds2d2, weighting="bbox"),
    )
    config["loss_forward_mappings"].update(
        loss_lsfd=dict(
            labelled,
            s_feature=dict(from_student=True, recorder="logits"),
            t_feature=dict(from_student=False, recorder="logits"),
        ),
        loss_fft=labelled,
        loss_cwd=labelled,
        loss_class=of_stages,
        loss_component=of_stages,
        loss_bbox=of_stages,
    )
    return config


def relabelled(batch: dict, ignored: int) -> dict:
    """Nothing is known of class 0 and of what the batch ignores."""
    batch = copy.deepcopy(batch)
    for sample in batch["data_samples"]:
        labels = sample.gt_sem_seg.data
        labels[(labels == 255) | (labels == 0)] = ignored
        # LabelComponents is told nothing.
        ids = label_components(labels[0].numpy().astype("uint8"))
        sample.gt_components = PixelData(data=torch.from_numpy(ids)[None])
    return batch


@pytest.mark.parametrize("ignored", [254, 0, NUM_CLASSES])
def test_any_label_can_be_the_ignored_one(build, batch, ignored):
    def losses(label: int) -> dict:
        model = build(**networks(label), distiller=distiller()).train()
        data = model.data_preprocessor(relabelled(batch, label), training=True)
        torch.manual_seed(3)
        return model(**data, mode="loss")

    expected, found = losses(255), losses(ignored)
    assert expected.keys() == found.keys()
    assert len([name for name in found if name.startswith("distill.loss")]) == 10
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=0, msg=name)


@pytest.mark.parametrize(
    "name", ["loss_response", "loss_statistical", "loss_adversarial", "loss_component"]
)
def test_another_one_in_a_loss_is_an_error(model_config, name):
    config = distiller()
    config["distill_losses"][name]["ignore_index"] = 255
    message = rf"{name} has ignore_index=255, and the student's decode head.*254"
    with pytest.raises(ValueError, match=message):
        MODELS.build(model_config(**networks(254), distiller=config))
    config["distill_losses"][name]["ignore_index"] = 254
    built = MODELS.build(model_config(**networks(254), distiller=config))
    assert built.distiller.distill_losses["loss_response"].ignore_index == 254


def test_another_one_in_an_amplifier_is_an_error(model_config):
    config = distiller()
    amplifiers = config["distill_losses"]["loss_class"]["amplifiers"]
    amplifiers["full"]["ignore_index"] = 255
    message = "amplifier 'full' has ignore_index=255, and DS2D2Loss ignores.*254"
    with pytest.raises(ValueError, match=message):
        MODELS.build(model_config(**networks(254), distiller=config))


def test_the_config_stays_as_it_is(model_config):
    config = model_config(**networks(254), distiller=distiller())
    before = copy.deepcopy(config)
    MODELS.build(config)
    assert config["distiller"] == before["distiller"]


def test_sorted_values_learn_nothing_from_labels(model_config):
    config = sstkd()
    config["distill_losses"]["loss_statistical"] = dict(
        type="DTIEMLoss", student_channels=12, teacher_channels=24
    )
    del config["loss_forward_mappings"]["loss_statistical"]["gt"]
    MODELS.build(model_config(**networks(254), distiller=config))
