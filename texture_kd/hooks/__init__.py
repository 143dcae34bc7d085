"""MMEngine hooks."""

from texture_kd.hooks.cpu_time import CPUTimeHook
from texture_kd.hooks.critic_optimizer_check import CriticOptimizerCheckHook
from texture_kd.hooks.finite_loss import FiniteLossHook
from texture_kd.hooks.loss_ratio import LossRatioHook
from texture_kd.hooks.num_classes_check import NumClassesCheckHook
from texture_kd.hooks.plain_student import PlainStudentHook
from texture_kd.hooks.random_state import RandomStateHook
from texture_kd.hooks.soft_filter_pruning import SoftFilterPruningHook
from texture_kd.hooks.teacher_metric import TeacherMetricHook
from texture_kd.hooks.texture_visualization import TextureVisualizationHook
from texture_kd.registry import register

__all__ = [
    "CPUTimeHook",
    "CriticOptimizerCheckHook",
    "FiniteLossHook",
    "LossRatioHook",
    "NumClassesCheckHook",
    "PlainStudentHook",
    "RandomStateHook",
    "SoftFilterPruningHook",
    "TeacherMetricHook",
    "TextureVisualizationHook",
]

register(
    "HOOKS",
    CPUTimeHook,
    CriticOptimizerCheckHook,
    FiniteLossHook,
    LossRatioHook,
    NumClassesCheckHook,
    PlainStudentHook,
    RandomStateHook,
    SoftFilterPruningHook,
    TeacherMetricHook,
    TextureVisualizationHook,
)
