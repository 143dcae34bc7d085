"""Registers everything that a config can name. This is the one line to import.

    custom_imports = dict(imports=['texture_kd.components'])

Each component goes by its class name in MMRazor's and MMSegmentation's registries, and
with the scope ``texture_kd.`` in front anywhere else.
"""

import mmrazor.registry
import mmseg.registry

from texture_kd import (
    amplifiers,
    analysis,
    connectors,
    datasets,
    decode_heads,
    hooks,
    losses,
    optim,
    recorders,
    registry,
    segmentors,
    whole_file,  # noqa: F401
)
from texture_kd.algorithms import TextureDistill

__all__: list[str] = []


def _register(kind: str, *classes: type) -> None:
    for package in (mmrazor.registry, mmseg.registry, registry):
        for cls in classes:
            getattr(package, kind).register_module(module=cls)


_register(
    "MODELS",
    TextureDistill,
    amplifiers.FasterRCNNAmplifier,
    amplifiers.RetinaNetAmplifier,
    amplifiers.SegmentationAmplifier,
    connectors.CDMConnector,
    connectors.DTIEMConnector,
    connectors.LFDConnector,
    decode_heads.DUCDLCHead,
    decode_heads.DeepLabV3PlusHead,
    decode_heads.LeanPSPHead,
    decode_heads.SpectralTruncationHead,
    losses.AdversarialLoss,
    losses.CDMLoss,
    losses.DS2D2Loss,
    losses.DTIEMLoss,
    losses.FAKDLoss,
    losses.FFTLoss,
    losses.FeatureKDLoss,
    losses.LSFDLoss,
    losses.PairwiseKDLoss,
    losses.ResponseKDLoss,
    losses.TextureLoss,
    segmentors.EncoderDecoderWithImage,
    segmentors.HighFrequencyEncoderDecoder,
)
_register(
    "DATASETS",
    datasets.AerialDataset,
    datasets.CamVidDataset,
    datasets.TextureMosaicDataset,
)
_register(
    "TRANSFORMS",
    datasets.BlockwiseAnnotation,
    datasets.LabelComponents,
    datasets.LoadTextureMosaic,
)
_register(
    "HOOKS",
    hooks.CPUTimeHook,
    hooks.CriticOptimizerCheckHook,
    hooks.FiniteLossHook,
    hooks.LossRatioHook,
    hooks.NumClassesCheckHook,
    hooks.PlainStudentHook,
    hooks.RandomStateHook,
    hooks.SoftFilterPruningHook,
    hooks.TeacherMetricHook,
    hooks.TextureVisualizationHook,
)
_register("OPTIM_WRAPPER_CONSTRUCTORS", optim.CriticOptimWrapperConstructor)
_register("OPTIM_WRAPPERS", optim.BFloat16OptimWrapper)
_register(
    "METRICS",
    analysis.FinalScoreMetric,
    analysis.SpectralAnalysisMetric,
    analysis.TrimapIoUMetric,
)
# MMRazor adds "Recorder" to what a config says.
_register(
    "TASK_UTILS",
    recorders.DataSamplesRecorder,
    recorders.GroundTruthRecorder,
    recorders.ValidAreaRecorder,
)
