_base_ = "./pspnet_r101.py"

teacher = dict(
    data_preprocessor=dict(size=(360, 480)),
    decode_head=dict(num_classes=11),
    auxiliary_head=dict(num_classes=11),
)
teacher_ckpt = "work_dirs/pspnet_r101-d8_1xb16-80k_camvid-360x480/iter_80000.pth"
