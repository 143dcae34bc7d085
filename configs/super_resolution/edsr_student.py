# EDSR of 12 channels and 4 blocks: the student alone, the control of the distillations.
#
#   mim train mmrazor configs/super_resolution/edsr_student.py
#   mim test mmrazor configs/super_resolution/edsr_student.py --checkpoint CHECKPOINT
_base_ = "./_base_/training.py"

model = dict(type="EDSR", channels=12, blocks=4)
