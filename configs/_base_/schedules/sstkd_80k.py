# The recipe of the SSTKD paper (section 4.2): SGD with momentum 0.9, weight decay 1e-5,
# learning rate 0.015 (1 - iter / 80000)^0.9, 80,000 iterations, 16 images each.
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="SGD", lr=0.015, momentum=0.9, weight_decay=1e-5),
)
param_scheduler = [
    dict(type="PolyLR", power=0.9, eta_min=0, begin=0, end=80000, by_epoch=False)
]
auto_scale_lr = dict(enable=False, base_batch_size=16)

train_cfg = dict(type="IterBasedTrainLoop", max_iters=80000, val_interval=8000)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
default_hooks = dict(
    timer=dict(type="IterTimerHook"),
    logger=dict(type="LoggerHook", interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type="ParamSchedulerHook"),
    checkpoint=dict(
        type="CheckpointHook",
        by_epoch=False,
        interval=8000,
        max_keep_ckpts=2,
        # Nothing that is broken is left by a training that is killed.
        backend_args=dict(backend="whole_file"),
    ),
    sampler_seed=dict(type="DistSamplerSeedHook"),
    visualization=dict(type="SegVisualizationHook"),
)
