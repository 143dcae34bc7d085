# 120 epochs of ADE20K's 20,210 images.
_base_ = "./duc_dlc_80k.py"

max_iters = 152000
param_scheduler = [
    dict(type="PolyLR", power=0.9, eta_min=0, begin=0, end=max_iters, by_epoch=False)
]
train_cfg = dict(max_iters=max_iters, val_interval=15200)
default_hooks = dict(checkpoint=dict(interval=15200))
