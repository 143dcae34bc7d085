# Doubling the resolution of texture mosaics, for two CPU cores: data, schedule, runtime.
# Adam and a learning rate that is halved as in LSFD, in fewer and larger steps.
custom_imports = dict(
    imports=["texture_kd.components", "texture_kd.examples.super_resolution"],
    allow_failed_imports=False,
)
default_scope = "mmrazor"
custom_hooks = [dict(type="PlainStudentHook"), dict(type="RandomStateHook")]

train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    collate_fn=dict(type="default_collate"),
    dataset=dict(type="MosaicPatches", split="train", length=4000, size=64),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=False),
    collate_fn=dict(type="default_collate"),
    dataset=dict(type="MosaicPatches", split="val", length=50, size=128),
)
test_dataloader = dict(
    val_dataloader, dataset=dict(val_dataloader["dataset"], split="test")
)
val_evaluator = dict(type="PSNR")
test_evaluator = val_evaluator

max_iters = 2000
train_cfg = dict(type="IterBasedTrainLoop", max_iters=max_iters, val_interval=max_iters)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="Adam", lr=1e-3, betas=(0.9, 0.99), eps=1e-8),
)
param_scheduler = [
    dict(type="StepLR", step_size=max_iters // 2, gamma=0.5, by_epoch=False)
]
default_hooks = dict(
    logger=dict(type="LoggerHook", interval=20, log_metric_by_epoch=False),
    checkpoint=dict(
        type="CheckpointHook",
        by_epoch=False,
        interval=500,
        max_keep_ckpts=2,
        backend_args=dict(backend="whole_file"),
    ),
)
log_processor = dict(by_epoch=False)
randomness = dict(seed=0)
