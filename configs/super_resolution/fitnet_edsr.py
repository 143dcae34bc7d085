# FitNet: LFD with a regressor that looks at one pixel.
#
#   mim train mmrazor configs/super_resolution/edsr_teacher.py
#   mim train mmrazor configs/super_resolution/fitnet_edsr.py
#   mim test mmrazor configs/super_resolution/fitnet_edsr.py --checkpoint CHECKPOINT
_base_ = "./lfd_edsr.py"

_pixel = dict(depth=1, kernel_size=1, last_act_cfg=dict(type="ReLU"))
model = dict(distiller=dict(connectors=dict(first=_pixel, middle=_pixel, last=_pixel)))
