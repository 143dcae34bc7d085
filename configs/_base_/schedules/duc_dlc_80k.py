# The recipe of DUC and DLC (section IV-B): SGD with momentum 0.9, weight decay 1e-4,
# learning rate 0.001 (1 - iter / max_iters)^0.9, with 16 images each. The paper does not
# name the length on Cityscapes, nor the size of its batches.
_base_ = "./sstkd_80k.py"

optim_wrapper = dict(optimizer=dict(lr=0.001, weight_decay=1e-4))
