# MMSegmentation's own release.
_base_ = "./pspnet_r101.py"

teacher = dict(
    data_preprocessor=dict(size=(512, 512)),
    decode_head=dict(num_classes=19),
    auxiliary_head=dict(num_classes=19),
)
teacher_ckpt = "https://download.openmmlab.com/mmsegmentation/v0.5/pspnet/pspnet_r101-d8_512x1024_80k_cityscapes/pspnet_r101-d8_512x1024_80k_cityscapes_20200606_112211-e1e1100f.pth"
