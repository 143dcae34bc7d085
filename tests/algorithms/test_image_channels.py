"""Losses that look at the images know of how many channels the student's are."""

import pytest
import torch
from mmrazor.registry import MODELS
from toy_models import segmentor


def of_channels(channels: int) -> dict:
    networks = dict(architecture=segmentor(4), teacher=segmentor(8))
    for network in networks.values():
        network["backbone"]["in_channels"] = channels
        network["data_preprocessor"].update(mean=[1.0] * channels, std=[2.0] * channels)
    return networks


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_critic_sees_the_channels_that_the_student_sees(build, batch, channels):
    batch["inputs"] = [image[:1].repeat(channels, 1, 1) for image in batch["inputs"]]
    model = build(**of_channels(channels)).train()
    critic = model.distiller.distill_losses["loss_adversarial"].critic
    assert critic.image_channels == channels
    data = model.data_preprocessor(batch, training=True)
    losses = model(**data, mode="loss")
    losses["distill.loss_adversarial"].backward()
    first = next(m for m in critic.modules() if isinstance(m, torch.nn.Conv2d))
    # Of probabilities and image.
    assert first.in_channels == 5 + channels
    assert first.weight.grad is not None


def test_another_number_in_a_loss_is_an_error(model_config):
    config = model_config(**of_channels(4))
    loss = config["distiller"]["distill_losses"]["loss_adversarial"]
    loss["image_channels"] = 3
    message = "loss_adversarial has image_channels=3, and the student's images have 4 "
    with pytest.raises(ValueError, match=message):
        MODELS.build(config)
    loss["image_channels"] = 4
    built = MODELS.build(config).distiller.distill_losses["loss_adversarial"]
    assert built.critic.image_channels == 4


def test_all_that_differs_is_said_at_once(model_config):
    config = model_config(**of_channels(4))
    loss = config["distiller"]["distill_losses"]["loss_adversarial"]
    loss.update(image_channels=3, ignore_index=7)
    with pytest.raises(ValueError, match=r"ignore_index=7.*image_channels=3"):
        MODELS.build(config)
