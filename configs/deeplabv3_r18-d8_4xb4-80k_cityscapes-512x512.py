# The student alone: DeepLabV3-R18 on Cityscapes in the paper's recipe. What
# teaches it is composed, see docs/guides/compose.md.
#
#   tools/dist_train.sh configs/deeplabv3_r18-d8_4xb4-80k_cityscapes-512x512.py 4
#   mim train mmseg configs/deeplabv3_r18-d8_4xb4-80k_cityscapes-512x512.py \
#       --cfg-options train_dataloader.batch_size=16
#   mim test mmseg configs/deeplabv3_r18-d8_4xb4-80k_cityscapes-512x512.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/sstkd_80k.py",
    "./_base_/datasets/cityscapes_512x512.py",
    "./_base_/models/deeplabv3_r18.py",
]
data_preprocessor = dict(size=(512, 512))
model = dict(
    data_preprocessor=data_preprocessor,
    decode_head=dict(num_classes=19),
    auxiliary_head=dict(num_classes=19),
)
