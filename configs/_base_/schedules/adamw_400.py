# What two CPU cores do in minutes, from scratch. AdamW, not the SGD of sstkd_80k.py, since
# its steps do not grow with the loss: with SGD the loss of a distillation, several times
# the student's, is a higher learning rate too, and the two could not be told apart. The
# learning rate is the student's own best.
_base_ = "./sstkd_80k.py"

optim_wrapper = dict(
    optimizer=dict(_delete_=True, type="AdamW", lr=0.01, weight_decay=0.01)
)
max_iters = 400
param_scheduler = [
    dict(type="PolyLR", power=0.9, eta_min=0, begin=0, end=max_iters, by_epoch=False)
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
default_hooks = dict(
    logger=dict(interval=20), checkpoint=dict(interval=200, max_keep_ckpts=2)
)
randomness = dict(seed=0)
