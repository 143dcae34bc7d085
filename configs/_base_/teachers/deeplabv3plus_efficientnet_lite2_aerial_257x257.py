_base_ = "./deeplabv3plus_efficientnet_lite2.py"

teacher = dict(
    data_preprocessor=dict(size=(257, 257)),
    decode_head=dict(num_classes=5),
    auxiliary_head=dict(num_classes=5),
)
teacher_ckpt = "work_dirs/deeplabv3plus_efficientnet-lite2-d16_1xb8-1600iters_aerial-257x257/iter_1600.pth"
