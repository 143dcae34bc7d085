# The paper's recipe (sstkd_80k.py) cut to what two CPU cores do in minutes.
_base_ = "./sstkd_80k.py"

max_iters = 400
param_scheduler = [
    dict(type="PolyLR", power=0.9, eta_min=0, begin=0, end=max_iters, by_epoch=False)
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
default_hooks = dict(
    logger=dict(interval=20), checkpoint=dict(interval=200, max_keep_ckpts=2)
)
randomness = dict(seed=0)
