# The recipe of the DS2D2 paper: MMDetection's of 24 epochs, SGD with momentum 0.9, weight
# decay 1e-4 and a learning rate of 0.02 for 16 images, after 500 iterations of warm-up, a
# tenth of it from epoch 16 and again from epoch 22. Two images on each of four GPUs have
# half of it, as `--auto-scale-lr` in the paper's commands.
_base_ = "mmdet::_base_/schedules/schedule_2x.py"

auto_scale_lr = dict(enable=True, base_batch_size=16)
