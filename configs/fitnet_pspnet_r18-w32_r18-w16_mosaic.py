# Plain feature distillation (FitNet) in the recipe of
# sstkd_pspnet_r18-w32_r18-w16_mosaic.py, for comparison.
#
#   mim train mmrazor configs/fitnet_pspnet_r18-w32_r18-w16_mosaic.py
_base_ = [
    "./sstkd_pspnet_r18-w32_r18-w16_mosaic.py",
    "./_base_/distillers/fitnet_w32_w16.py",
]

model = dict(distiller=dict(_delete_=True, **_base_.fitnet))
