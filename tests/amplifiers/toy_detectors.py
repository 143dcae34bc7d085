"""Heads of detectors with the interface of MMDetection's, which is not needed."""

import torch
import torch.nn.functional as F
from mmengine.structures import BaseDataElement, InstanceData
from torch import nn

CHANNELS, CLASSES, STRIDES = 6, 3, (8, 16)


class Coder:
    """Moves the corners of anchors by four deltas, within bounds."""

    encode_size = 4

    def decode(self, anchors, deltas):
        low, high = anchors[:, :2] + deltas[:, :2], anchors[:, 2:] + deltas[:, 2:]
        return torch.cat([torch.minimum(low, high), torch.maximum(low, high) + 1], 1)


class AnchorHead(nn.Module):
    """Two anchors at each position; those of the upper half of an image count."""

    in_channels, cls_out_channels, use_sigmoid_cls = CHANNELS, CLASSES, True

    def __init__(self):
        super().__init__()
        self.cls = nn.Conv2d(CHANNELS, 2 * CLASSES, 3, padding=1)
        self.reg = nn.Conv2d(CHANNELS, 8, 3, padding=1)
        self.bbox_coder = Coder()
        self.prior_generator = BaseDataElement(num_levels=len(STRIDES))
        self.train_cfg = dict(assigner="upper half")

    def forward(self, features):
        return [self.cls(x) for x in features], [self.reg(x) for x in features]

    def get_anchors(self, grids, metas, device):
        anchors = []
        for (height, width), stride in zip(grids, STRIDES, strict=True):
            y, x, size = torch.meshgrid(
                torch.arange(height),
                torch.arange(width),
                torch.tensor([1, 2]),
                indexing="ij",
            )
            corner = stride * torch.stack([x, y], -1)
            boxes = torch.cat([corner, corner + stride * size[..., None]], -1)
            anchors.append(boxes.reshape(-1, 4).float().to(device))
        valid = [torch.ones(len(boxes), dtype=torch.bool) for boxes in anchors]
        return [anchors] * len(metas), [valid] * len(metas)

    def get_targets(self, anchors, flags, instances, metas, ignored):
        assert all(len(x) == len(metas) for x in (anchors, flags, instances, ignored))
        middle = metas[0]["pad_shape"][0] / 2
        weights = [
            torch.stack([(boxes[:, 1] < middle).float()] * len(metas))
            for boxes in anchors[0]
        ]
        positives = sum(len(x) for x in instances)
        return None, weights, None, None, positives


class RegionHead(nn.Module):
    """Means over regions of the level 0 of two, and linear layers."""

    with_shared_head = False

    class Extractor(nn.Module):
        num_inputs, out_channels = 2, CHANNELS

        def forward(self, features, rois):
            found = [
                features[0][int(i), :, int(y0) : int(y1), int(x0) : int(x1)].mean(
                    (1, 2)
                )
                for i, x0, y0, x1, y1 in rois.tolist()
            ]
            return torch.stack(found) if found else rois.new_zeros(0, CHANNELS)

    class Head(nn.Module):
        def __init__(self):
            super().__init__()
            self.cls = nn.Linear(CHANNELS, CLASSES + 1)
            self.reg = nn.Linear(CHANNELS, 4 * CLASSES)

        def forward(self, x):
            return self.cls(x), self.reg(x)

    def __init__(self):
        super().__init__()
        self.bbox_roi_extractor = self.Extractor()
        self.bbox_head = self.Head()


class Detector(nn.Module):
    """A teacher with one of the heads."""

    def __init__(self, name, head):
        super().__init__()
        self.backbone = nn.Conv2d(3, CHANNELS, 1)
        self.add_module(name, head)


def features(images=2, size=(8, 6), dtype=torch.float32):
    """Two levels that a network might have."""
    first = torch.randn(images, CHANNELS, *size, dtype=dtype)
    return first, F.avg_pool2d(first, 2) + torch.randn(1, dtype=dtype)


def samples(images=2, boxes=2):
    """Data samples of images of 64x48 pixels."""
    return [
        BaseDataElement(
            metainfo=dict(pad_shape=(64, 48)),
            gt_instances=InstanceData(bboxes=torch.rand(boxes, 4)),
        )
        for _ in range(images)
    ]
