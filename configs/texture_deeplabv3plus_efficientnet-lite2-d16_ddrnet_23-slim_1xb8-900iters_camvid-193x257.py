# Texture for two CPU cores, on CamVid at 193x257, from a teacher that started from
# ImageNet to DDRNet23-slim from scratch.
#
#   mim train mmseg configs/deeplabv3plus_efficientnet-lite2-d16_1xb8-1600iters_camvid-193x257.py
#   mim train mmrazor configs/texture_deeplabv3plus_efficientnet-lite2-d16_ddrnet_23-slim_1xb8-900iters_camvid-193x257.py
#   mim test mmseg configs/ddrnet_23-slim_1xb8-900iters_camvid-193x257.py --checkpoint CHECKPOINT
_base_ = [
    "./ddrnet_23-slim_1xb8-900iters_camvid-193x257.py",
    "./_base_/teachers/deeplabv3plus_efficientnet_lite2_camvid_193x257.py",
    "./_base_/distillers/texture_lite2_ddrnet_23_slim.py",
]
model = dict(
    _delete_=True,
    _scope_="mmrazor",
    type="TextureDistill",
    architecture=_base_.model,
    teacher=_base_.teacher,
    teacher_ckpt=_base_.teacher_ckpt,
    distiller=_base_.texture,
)
