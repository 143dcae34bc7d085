# MMDetection's runtime, with texture_kd's components in the registries.
_base_ = "mmdet::_base_/default_runtime.py"

custom_imports = dict(
    imports=["texture_kd.components", "texture_kd.detectors"],
    allow_failed_imports=False,
)
custom_hooks = [
    dict(type="texture_kd.FiniteLossHook"),
    dict(type="texture_kd.LossRatioHook"),
    dict(type="texture_kd.NumClassesCheckHook"),
    dict(type="texture_kd.PlainStudentHook"),
]
default_hooks = dict(
    checkpoint=dict(
        max_keep_ckpts=2,
        # Nothing that is broken is left by a training that is killed.
        backend_args=dict(backend="whole_file"),
    )
)
