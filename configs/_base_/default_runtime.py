# MMSegmentation's runtime, with texture_kd's components in the registries.
_base_ = "mmseg::_base_/default_runtime.py"

custom_imports = dict(imports=["texture_kd.components"], allow_failed_imports=False)
custom_hooks = [
    dict(type="CriticOptimizerCheckHook"),
    dict(type="FiniteLossHook"),
    dict(type="LossRatioHook"),
    dict(type="NumClassesCheckHook"),
    dict(type="PlainStudentHook"),
    dict(type="RandomStateHook"),
    dict(type="TeacherMetricHook"),
]
