_base_ = "./deeplabv3plus_efficientnet_lite2.py"

teacher = dict(
    data_preprocessor=dict(size=(193, 257)),
    decode_head=dict(num_classes=11),
    auxiliary_head=dict(num_classes=11),
)
teacher_ckpt = "work_dirs/deeplabv3plus_efficientnet-lite2-d16_1xb8-1600iters_camvid-193x257/iter_1600.pth"
