_base_ = "./pspnet_teacher_r18_w32.py"

teacher = dict(
    data_preprocessor=dict(size=(180, 240)),
    decode_head=dict(num_classes=11),
    auxiliary_head=dict(num_classes=11),
)
