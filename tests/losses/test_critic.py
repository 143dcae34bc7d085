import pytest
import torch

from texture_kd.losses.critic import Critic, SelfAttention


@pytest.fixture
def critic():
    """A small critic in float64 whose attention has a say."""
    torch.manual_seed(0)
    critic = Critic(num_classes=3, channels=4).double()
    for attention in critic.attentions[2:]:
        attention.gamma.data.fill_(1)
    return critic


def maps(size, images=2):
    segmentation = torch.randn(images, 3, *size, dtype=torch.float64).softmax(1)
    return segmentation, torch.randn(images, 3, *size, dtype=torch.float64)


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (5, 7), (16, 16), (65, 33)])
def test_any_size_gets_one_score_an_image(critic, size):
    scores = critic(*maps(size))
    assert scores.shape == (2,)
    assert scores.isfinite().all()


def test_images_are_judged_one_by_one(critic):
    segmentation, image = maps((9, 17), images=3)
    together = critic(segmentation, image)
    alone = [critic(s[None], i[None]) for s, i in zip(segmentation, image, strict=True)]
    torch.testing.assert_close(together, torch.cat(alone))


def test_both_the_segmentation_and_the_image_matter(critic):
    segmentation, image = maps((9, 17))
    scores = critic(segmentation, image)
    assert (critic(segmentation.flip(0), image) - scores).abs().min() > 1e-6
    assert (critic(segmentation, image.flip(0)) - scores).abs().min() > 1e-6


def test_it_can_be_differentiated_twice(critic):
    segmentation, image = maps((3, 5), images=1)
    segmentation.requires_grad_()
    assert torch.autograd.gradgradcheck(
        lambda x: critic(x, image), segmentation, atol=1e-6
    )


def test_differences_of_scores_train_every_parameter(critic):
    segmentation, image = maps((33, 33))
    critic(segmentation, image).diff().backward()
    for name, parameter in critic.named_parameters():
        assert parameter.grad.abs().sum() > 1e-9, name


def test_attention_begins_as_the_identity():
    x = torch.randn(2, 8, 3, 4)
    assert torch.equal(SelfAttention(8)(x), x)


def test_attention_is_the_weighted_mean_of_all_positions():
    x = torch.randn(1, 24, 2, 3, dtype=torch.float64)
    attention = SelfAttention(24).double()
    attention.gamma.data.fill_(0.5)
    query, key = attention.query_key(x)[0].flatten(1).chunk(2)
    value = attention.value(x)[0].flatten(1)
    assert len(query) == 3
    expected = torch.empty_like(value)
    for i in range(6):
        weights = ((query[:, i, None] * key).sum(0) / 3**0.5).exp()
        expected[:, i] = (weights * value).sum(1) / weights.sum()
    torch.testing.assert_close(
        attention(x)[0], x[0] + 0.5 * expected.unflatten(1, (2, 3))
    )
