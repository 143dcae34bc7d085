# SKD's pixel-wise and pair-wise distillation in the recipe of
# sstkd_pspnet_r18-w32_r18-w16_camvid-180x240.py, for comparison.
#
#   mim train mmrazor configs/skd_pspnet_r18-w32_r18-w16_camvid-180x240.py
_base_ = [
    "./sstkd_pspnet_r18-w32_r18-w16_camvid-180x240.py",
    "./_base_/distillers/skd.py",
]

model = dict(distiller=dict(_delete_=True, **_base_.skd))
