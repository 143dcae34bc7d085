import pytest
import torch
from mmengine.structures import BaseDataElement, InstanceData, PixelData

from texture_kd.functional import box_shares, component_boxes, component_shares
from texture_kd.losses.sample_shares import sample_shares, stacked

CPU = torch.device("cpu")


def sample(**maps):
    return BaseDataElement(**{k: PixelData(data=v) for k, v in maps.items()})


def test_components_and_their_boxes():
    ids = torch.randint(-1, 4, (2, 16, 20), dtype=torch.int32)
    batch = [sample(gt_components=i[None]) for i in ids]
    found = sample_shares("component", batch, (4, 5), 0.5, 255, CPU)
    assert torch.equal(found, component_shares(ids, (4, 5), 0.5))
    found = sample_shares("bbox", batch, (4, 5), 0.5, 255, CPU)
    expected = box_shares(*component_boxes(ids), 2, (4, 5), (16, 20), 0.5)
    assert torch.equal(found, expected)
    assert sample_shares("none", batch, (4, 5), 0.5, 255, CPU) is None


def test_a_class_is_one_component():
    labels = torch.randint(0, 3, (2, 1, 16, 20), dtype=torch.uint8)
    labels[0, 0, :8] = 11
    batch = [sample(gt_sem_seg=label) for label in labels]
    found = sample_shares("class", batch, (4, 5), 1.0, 11, CPU)
    ids = labels[:, 0].long()
    ids[ids == 11] = -1
    assert torch.equal(found, component_shares(ids, (4, 5)))


def test_maps_of_images_that_were_padded_are_padded():
    # MMSegmentation pads its own label maps, and no others.
    ids = [torch.zeros(1, 6, 8), torch.ones(1, 4, 10)]
    batch = [
        sample(gt_components=i.int(), gt_sem_seg=torch.zeros(1, 12, 10)) for i in ids
    ]
    found = stacked(batch, "gt_components", -1)
    assert found.shape == (2, 1, 12, 10)
    for map_, original in zip(found, ids, strict=True):
        height, width = original.shape[1:]
        assert torch.equal(map_[:, :height, :width], original.int())
        assert (map_ == -1).sum() == 12 * 10 - height * width
    shares = sample_shares("component", batch, (4, 5), 1.0, 255, CPU)
    torch.testing.assert_close(shares.sum((1, 2)), torch.ones(2))


class Wrapped:
    """Boxes as MMDetection wraps them."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __len__(self):
        return len(self.tensor)


@pytest.mark.parametrize("wrap", [lambda boxes: boxes, Wrapped])
def test_boxes_are_of_the_padded_image(wrap):
    boxes = [torch.tensor([[0.0, 0.0, 8.0, 8.0]]), torch.zeros(0, 4)]
    batch = [
        BaseDataElement(
            metainfo=dict(batch_input_shape=(32, 64), img_shape=(20, 30)),
            gt_instances=InstanceData(bboxes=wrap(b)),
        )
        for b in boxes
    ]
    found = sample_shares("boxes", batch, (4, 8), 1.0, 255, CPU)
    expected = box_shares(boxes[0], torch.tensor([0]), 2, (4, 8), (32, 64))
    assert torch.equal(found, expected)
    assert torch.equal(found[1], torch.zeros(4, 8))


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match=r"no gt_components.*LabelComponents"):
        sample_shares("component", [BaseDataElement()], (2, 2), 1.0, 255, CPU)
    boxes = BaseDataElement(gt_instances=InstanceData(bboxes=torch.zeros(1, 4)))
    with pytest.raises(ValueError, match="batch_input_shape"):
        sample_shares("boxes", [boxes], (2, 2), 1.0, 255, CPU)
