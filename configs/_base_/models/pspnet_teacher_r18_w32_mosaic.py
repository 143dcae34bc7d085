_base_ = "./pspnet_teacher_r18_w32.py"

teacher = dict(
    data_preprocessor=dict(size=(128, 128)),
    decode_head=dict(num_classes=12),
    auxiliary_head=dict(num_classes=12),
)
