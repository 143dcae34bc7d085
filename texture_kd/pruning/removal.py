"""Take zeroed filters out of a network, so that they cost nothing."""

import copy
from collections.abc import Mapping

import torch
from mmengine.registry import DefaultScope
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from texture_kd.input_channels import input_channels
from texture_kd.pruning.filters import check_unguided, following_norms, silence, zeroed

# Marks a checkpoint, in its ``meta``.
REMOVED = "filters_removed"


def remove_filters(network: nn.Module, size: tuple[int, int]) -> nn.Module:
    """Return a segmentor without the channels that nothing but zeroed filters give.

    MMRazor finds out which layers share their channels. A channel goes if each
    convolution that gives it has a zero filter there: in the middle of a residual block
    one does, and where a block's output is added to another's all have to agree. What
    other layers give stays, and so do the channels of depthwise convolutions and those
    that a group norm mixes with others.

    Args:
        network: a segmentor of MMSegmentation in evaluation mode, with batch norms. A
            truncated decode head has to be given as its stock head, which has the same
            layers.
        size: height and width of the images with which it is run to see how layers
            follow on each other.

    Returns:
        A smaller network of the same classes on the CPU; the one given stays as it is.
        It gives what the one given would with its zeroed filters' norms silenced.

    Raises:
        ValueError: MMRazor cannot follow the channels through one of the layers, such
            as DUC's guidance.
    """
    from mmrazor.models.architectures.dynamic_ops import DynamicMixin
    from mmrazor.models.mutators import ChannelMutator

    check_unguided(network)
    shape = (1, input_channels(network), *size)
    network = copy.deepcopy(network).cpu()
    with torch.no_grad(), following_norms(network) as norms:
        network(torch.randn(shape), mode="tensor")
    alive = {}
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            silence(module, norms.get(name))
            alive[name] = ~zeroed(module)
    with DefaultScope.overwrite_default_scope("mmrazor"):
        mutator = ChannelMutator(
            channel_unit_cfg=dict(type="L1MutableChannelUnit"),
            parse_cfg=dict(
                type="ChannelAnalyzer",
                demo_input=dict(
                    type="DefaultDemoInput", input_shape=shape, scope="mmseg"
                ),
                # Not FxTracer, which takes the size that DeepLabV3+ resizes to for
                # channels.
                tracer_type="BackwardTracer",
            ),
        )
        state = network.state_dict()
        try:
            mutator.prepare_from_supernet(network)
        except KeyError as error:
            kinds = sorted({type(m).__name__ for m in network.modules()})
            raise ValueError(
                "MMRazor cannot follow the channels through one of the layers "
                f"{', '.join(kinds)}: nothing is removed"
            ) from error
        # Its layers that can be narrowed are new ones.
        network.load_state_dict(state, strict=False)
        for unit in mutator.mutable_units:
            kept = torch.zeros(unit.num_channels, dtype=torch.bool)
            for channel in unit.output_related:
                if channel.name in alive:
                    kept |= alive[channel.name][channel.start : channel.end]
                elif not isinstance(channel.module, _BatchNorm):
                    kept[:] = True
            # A layer without channels is none: the first stays, of zeros.
            kept[0] |= ~kept.any()
            unit.mutable_channel.current_choice = kept
    for name, module in list(network.named_modules()):
        if isinstance(module, DynamicMixin):
            for mutable in module.mutable_attrs.values():
                mutable.is_fixed = True
            network.set_submodule(name, module.to_static_op())
    return network.eval()


def fit_to_state(network: nn.Module, state: Mapping[str, Tensor]) -> bool:
    """Narrow a network's layers to the weights of one whose filters were removed.

    Args:
        network: as its config has it; convolutions and batch norms become narrower
            where the state's are. Their parameters are the same objects, so that an
            optimiser goes on holding them, and empty: load the state.
        state: state dict of the smaller network.

    Returns:
        Whether anything was narrowed.

    Raises:
        ValueError: a layer's weights are larger, of another kernel, or for other
            classes: they are of another network.
    """
    narrowed = False
    for name, module in network.named_modules():
        weight = state.get(f"{name}.weight")
        if not isinstance(module, nn.Conv2d | _BatchNorm) or weight is None:
            continue
        own = module.weight.shape
        if weight.shape == own:
            continue
        classes = name.endswith("conv_seg") and weight.shape[0] != own[0]
        if (
            classes
            or weight.shape[2:] != own[2:]
            or any(n > m for n, m in zip(weight.shape, own, strict=True))
        ):
            raise ValueError(
                f"{name} has weights {tuple(own)}, and the checkpoint's are "
                f"{tuple(weight.shape)}: it is of another network"
            )
        _narrow(module, weight.shape)
        narrowed = True
    return narrowed


def _narrow(module: nn.Module, shape: torch.Size) -> None:
    module.weight.data = module.weight.data.new_empty(shape)
    if module.bias is not None:
        module.bias.data = module.bias.data.new_empty(shape[0])
    if isinstance(module, nn.Conv2d):
        module.out_channels, module.in_channels = shape[0], shape[1] * module.groups
    else:
        module.num_features = shape[0]
        module.running_mean = module.running_mean.new_zeros(shape)
        module.running_var = module.running_var.new_ones(shape)
