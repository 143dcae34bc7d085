import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample


@pytest.fixture(autouse=True)
def everywhere(mmsegs_scope):
    pass


@pytest.fixture
def data():
    """One image and its labels, as a distillation's preprocessor returns them."""
    torch.manual_seed(1)
    label = PixelData(data=torch.randint(12, (1, 64, 96)))
    sample = SegDataSample(
        gt_sem_seg=label, metainfo=dict(img_shape=(64, 96), ori_shape=(64, 96))
    )
    return dict(inputs=torch.randn(1, 3, 64, 96), data_samples=[sample])
