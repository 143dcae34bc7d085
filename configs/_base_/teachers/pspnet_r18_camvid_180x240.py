_base_ = "./pspnet_r18.py"

teacher = dict(
    data_preprocessor=dict(size=(180, 240)),
    decode_head=dict(num_classes=11),
    auxiliary_head=dict(num_classes=11),
)
teacher_ckpt = "work_dirs/pspnet_r18-d8_1xb8-1800iters_camvid-180x240/iter_1800.pth"
