# For networks that start from ImageNet: a tenth of the learning rate from scratch, and a
# score each 200 iterations, which says whether longer would be better.
_base_ = "./adamw_900.py"

optim_wrapper = dict(optimizer=dict(lr=0.001))
max_iters = 1600
param_scheduler = [
    dict(type="PolyLR", power=0.9, eta_min=0, begin=0, end=max_iters, by_epoch=False)
]
train_cfg = dict(max_iters=max_iters, val_interval=200)
