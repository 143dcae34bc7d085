_base_ = "./pspnet_r18_w32.py"

teacher = dict(
    data_preprocessor=dict(size=(128, 128)),
    decode_head=dict(num_classes=12),
    auxiliary_head=dict(num_classes=12),
)
teacher_ckpt = "work_dirs/pspnet_r18-w32-d8_1xb8-400iters_mosaic-128x128/iter_400.pth"
