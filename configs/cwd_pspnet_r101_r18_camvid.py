# MMRazor's channel-wise distillation in the recipe of sstkd_pspnet_r101_r18_camvid.py,
# for comparison.
#
#   mim train mmrazor configs/cwd_pspnet_r101_r18_camvid.py
_base_ = ["./sstkd_pspnet_r101_r18_camvid.py", "./_base_/distillers/cwd.py"]

model = dict(distiller=dict(_delete_=True, **_base_.cwd))
