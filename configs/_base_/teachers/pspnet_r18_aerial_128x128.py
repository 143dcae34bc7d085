_base_ = "./pspnet_r18.py"

teacher = dict(
    data_preprocessor=dict(size=(128, 128)),
    decode_head=dict(num_classes=5),
    auxiliary_head=dict(num_classes=5),
)
teacher_ckpt = "work_dirs/pspnet_r18-d8_1xb8-1800iters_aerial-128x128/iter_1800.pth"
