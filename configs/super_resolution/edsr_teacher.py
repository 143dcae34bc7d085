# EDSR of 32 channels and 8 blocks: the teacher.
#
#   mim train mmrazor configs/super_resolution/edsr_teacher.py
#   mim test mmrazor configs/super_resolution/edsr_teacher.py --checkpoint CHECKPOINT
_base_ = "./_base_/training.py"

model = dict(type="EDSR", channels=32, blocks=8)
