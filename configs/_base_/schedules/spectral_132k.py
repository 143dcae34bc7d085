# The recipe of the spectral analysis on VOC 2012: batches of 8, learning rate 0.0007, 100
# epochs, which are 132,000 iterations. The optimiser is DeepLab's, which the paper does
# not name.
_base_ = "./sstkd_80k.py"

max_iters = 132000
optim_wrapper = dict(optimizer=dict(lr=0.0007, weight_decay=5e-4))
param_scheduler = [
    dict(type="PolyLR", power=0.9, eta_min=0, begin=0, end=max_iters, by_epoch=False)
]
auto_scale_lr = dict(enable=False, base_batch_size=8)
train_cfg = dict(max_iters=max_iters, val_interval=13200)
default_hooks = dict(checkpoint=dict(interval=13200))
