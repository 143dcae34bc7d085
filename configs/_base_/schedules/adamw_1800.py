_base_ = "./adamw_900.py"

max_iters = 1800
param_scheduler = [
    dict(type="PolyLR", power=0.9, eta_min=0, begin=0, end=max_iters, by_epoch=False)
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
