"""MMSegmentation's own losses do what is said of them, and it is said."""

import pytest
import torch
from mmseg.models.decode_heads import FCNHead
from torch import nn

from texture_kd.analysis.mmseg_losses import loss_faults, unweighted

WEIGHTED = dict(type="CrossEntropyLoss", class_weight=[1.0, 2.0, 3.0])
LABELS = torch.tensor([[[0, 1], [2, 255]]])

pytestmark = pytest.mark.filterwarnings("ignore:Default ..avg_non_ignore")


def network(*losses: dict, ignored: int = 255) -> nn.Module:
    def head(loss):
        return FCNHead(
            in_channels=4,
            channels=4,
            num_convs=1,
            num_classes=3,
            ignore_index=ignored,
            loss_decode=loss,
        )

    decode, *auxiliary = losses
    heads = dict(decode_head=head(decode))
    if auxiliary:
        heads["auxiliary_head"] = nn.ModuleList([head(loss) for loss in auxiliary])
    return nn.ModuleDict(heads)


def logits():
    torch.manual_seed(0)
    return torch.randn(1, 3, 2, 2, requires_grad=True)


@pytest.mark.parametrize("average", [False, True])
def test_class_weights_with_ignored_pixels(average):
    weighted = dict(WEIGHTED, avg_non_ignore=average)
    model = network(weighted)
    # What it is that is named.
    with pytest.raises(IndexError, match="255 is out of bounds"):
        model["decode_head"].loss_decode(logits(), LABELS, ignore_index=255)
    ((loss, said),) = unweighted(model, LABELS)
    assert loss is model["decode_head"].loss_decode
    assert said.startswith("decode_head.loss_decode (CrossEntropyLoss) of MMSeg")
    assert "IndexError" in said
    known = LABELS.clamp(max=2)
    assert not list(unweighted(model, known))
    (said,) = loss_faults(model, known)
    assert "MMSegmentation 1." in said
    assert "class_weight" in said


@pytest.mark.parametrize(
    "loss",
    [
        dict(type="CrossEntropyLoss"),
        dict(WEIGHTED, use_sigmoid=True),
        dict(type="OhemCrossEntropy", class_weight=[1.0, 2.0, 3.0]),
        dict(type="FocalLoss"),
    ],
)
def test_losses_that_can_do_with_them(loss):
    model = network(loss)
    assert not list(unweighted(model, LABELS))
    assert not list(loss_faults(model, LABELS))


def test_dice_trains_on_void():
    model = network(dict(type="CrossEntropyLoss"), dict(type="DiceLoss"))
    z = logits()
    (dice,) = (head.loss_decode for head in model["auxiliary_head"])
    dice(z, LABELS, ignore_index=255).backward()
    assert z.grad[0, :, 1, 1].any()
    (said,) = loss_faults(model, LABELS)
    assert "auxiliary_head.loss_decode (DiceLoss) of MMSegmentation" in said
    assert not list(loss_faults(model, LABELS.clamp(max=2)))


@pytest.mark.parametrize(
    ("kind", "option"),
    [("OhemCrossEntropy", "ignore_label"), ("TverskyLoss", "ignore_index")],
)
def test_losses_with_an_ignored_label_of_their_own(kind, option):
    (said,) = loss_faults(network(dict(type=kind), ignored=254), LABELS)
    assert f"ignores the label 255, and its head 254: set its {option}=254" in said
    told = network({"type": kind, option: 254}, ignored=254)
    assert not list(loss_faults(told, LABELS))
