"""Everything that the bridge mends, with the reason for each item.

A mend names one module, says when the installed stack needs it, and changes that
module and nothing else: either by patching it after its own code has run, or by
rewriting one expression of its source before it runs, or by standing in for it.
Every item has a test of its own that fails without it (``tests/compat``).
"""

import functools
import importlib.util
import sys
from collections.abc import Callable
from importlib.abc import Loader
from types import ModuleType
from typing import NamedTuple

__all__ = ["MENDS", "Mend", "read_histories"]


class Mend(NamedTuple):
    """One module of the stack, and what is done to it.

    Exactly one of ``patch``, ``rewrite`` and ``stand_in`` is given. A module that does
    not have the text of an optional rewrite is left as it is.
    """

    reason: str
    needed: Callable[[], bool]
    patch: Callable[[ModuleType], None] | None = None
    rewrite: tuple[str, str] | None = None
    optional: bool = False
    stand_in: Callable[[ModuleType], None] | None = None

    def execute(self, loader: Loader, module: ModuleType) -> None:
        """Run ``module``'s code, mended."""
        if self.stand_in is not None:
            self.stand_in(module)
        elif self.rewrite is not None and not (
            self.optional and self.rewrite[0] not in loader.get_source(module.__name__)
        ):
            _execute_rewritten(loader, module, *self.rewrite)
        else:
            loader.exec_module(module)
            if self.patch is not None:
                self.patch(module)


def _execute_rewritten(loader: Loader, module: ModuleType, old: str, new: str) -> None:
    source = loader.get_source(module.__name__)
    if source.count(old) != 1:
        raise ImportError(
            f"texture_kd's stack bridge expected exactly one {old!r} in "
            f"{module.__file__}: this is not the version it was made for. Install "
            "the versions named in requirements/mminstall.txt."
        )
    exec(compile(source.replace(old, new), module.__file__, "exec"), module.__dict__)


# --- When each mend is needed -----------------------------------------------------


def _torch_is_2() -> bool:
    import torch

    return int(torch.__version__.split(".")[0]) >= 2


def _submodules_are_a_plain_dict() -> bool:
    from collections import OrderedDict

    import torch

    return not isinstance(torch.nn.Module()._modules, OrderedDict)


def _mmcv_has_no_compiled_ops() -> bool:
    return importlib.util.find_spec("mmcv._ext") is None


def _torchvision_is_absent() -> bool:
    return importlib.util.find_spec("torchvision") is None


def _torchvision_has_no_operators() -> bool:
    from torchvision.extension import _has_ops

    # Elsewhere it fails as it would without us.
    return "mmengine" in sys.modules and not _has_ops()


def _torch_load_is_weights_only() -> bool:
    import torch

    return tuple(int(part) for part in torch.__version__.split(".")[:2]) >= (2, 6)


def _always() -> bool:
    return True


# --- What is done -----------------------------------------------------------------


def _leave_empty(module: ModuleType) -> None:
    """Run nothing: the module only registers."""


def _find_inplace_modules_by_traversal(module: ModuleType) -> None:
    def set_module_inplace_false(self, architecture, varstr: str) -> None:
        """Set ``inplace = False`` on every submodule that has the attribute."""
        for submodule in architecture.modules():
            if hasattr(submodule, "inplace"):
                submodule.inplace = False

    module.BaseAlgorithm.set_module_inplace_false = set_module_inplace_false


def _stand_in_for_mmcv_ops(module: ModuleType) -> None:
    from texture_kd.compat import mmcv_ops

    mmcv_ops.fill(module)


def read_histories(module: ModuleType | None = None) -> None:
    """Let ``torch.load`` read the log histories in MMEngine's checkpoints."""
    import torch

    from texture_kd.compat import checkpoints

    if hasattr(torch.serialization.load, "__wrapped__"):
        return
    load = checkpoints.read_histories(torch.serialization)
    torch.load = torch.serialization.load = load


def _know_our_configs(module: ModuleType) -> None:
    theirs = module.Config._get_cfg_path

    def _get_cfg_path(cfg_path, filename):
        package, _, name = cfg_path.partition("::")
        if package != "texture_kd":
            return theirs(cfg_path, filename)
        folder = module.get_installed_path(package)
        return module._get_external_cfg_base_path(folder, name), None

    module.Config._get_cfg_path = staticmethod(_get_cfg_path)


def _ask_the_model(module: ModuleType) -> None:
    build = module.build_optim_wrapper

    @functools.wraps(build)
    def build_optim_wrapper(model, cfg):
        own = getattr(getattr(model, "module", model), "build_optim_wrapper", None)
        return build(model, cfg) if own is None else own(build, cfg)

    module.build_optim_wrapper = build_optim_wrapper


def _read_checkpoints_kindly(module: ModuleType) -> None:
    from texture_kd.compat import checkpoints

    module._load_checkpoint = checkpoints.explain_failures(module._load_checkpoint)
    module.load_state_dict = checkpoints.take_student(module.load_state_dict)


_NO_PRIVATE_QUANTISATION = Mend(
    reason=(
        "MMRazor's quantisation modules import private names of torch 1.13 whenever "
        "torch is at least that, and MMRazor stops importing. Reading the version as "
        "1.12.1 here, and only here, takes MMRazor's own path without quantisation "
        "(its fx tracer reads the version too, and must see the true one)."
    ),
    needed=_torch_is_2,
    rewrite=("digit_version(torch.__version__)", "digit_version('1.12.1')"),
)

_NO_TORCHVISION = Mend(
    reason=(
        "MMPretrain, whose backbones MMSegmentation borrows, imports torchvision's "
        "boxes for visual grounding, and torchvision is published for fewer builds of "
        "PyTorch than MMPretrain runs on. No backbone needs them."
    ),
    needed=_torchvision_is_absent,
    rewrite=("import torchvision.ops.boxes as boxes", "boxes = None"),
)

_SIZES_ROUNDED_DOWN = (
    "Its branches meet at an eighth of the image, rounded down, where its convolutions "
    "round up: images whose sides are no multiples of 8, such as crops of 2^k n + 1 "
    "pixels, are an error. The stem's own size is right for all."
)

MENDS: dict[str, Mend] = {
    "mmseg.models.backbones.ddrnet": Mend(
        reason=_SIZES_ROUNDED_DOWN,
        needed=_always,
        rewrite=(
            "        out_size = (x.shape[-2] // 8, x.shape[-1] // 8)\n\n"
            "        # stage 0-2\n        x = self.stem(x)\n",
            "        x = self.stem(x)\n        out_size = x.shape[-2:]\n",
        ),
        optional=True,
    ),
    "mmseg.models.backbones.pidnet": Mend(
        reason=_SIZES_ROUNDED_DOWN,
        needed=_always,
        rewrite=(
            "        w_out = x.shape[-1] // 8\n        h_out = x.shape[-2] // 8\n\n"
            "        # stage 0-2\n        x = self.stem(x)\n",
            "        x = self.stem(x)\n        h_out, w_out = x.shape[-2:]\n",
        ),
        optional=True,
    ),
    "mmpretrain.evaluation.metrics.visual_grounding_eval": _NO_TORCHVISION,
    "mmpretrain.models.utils.box_utils": _NO_TORCHVISION,
    "mmrazor.structures.quantization.backend_config.common_operator_config_utils": (
        _NO_PRIVATE_QUANTISATION
    ),
    "mmrazor.structures.quantization.backend_config.mapping": _NO_PRIVATE_QUANTISATION,
    "mmrazor.models.quantizers.native_quantizer": _NO_PRIVATE_QUANTISATION,
    "mmrazor.models.algorithms.base": Mend(
        reason=(
            "Since torch 2.5 a module's submodules are a plain dict. MMRazor looks "
            "for OrderedDict, finds no in-place layer, and recorders silently store "
            "a layer's output after the in-place ReLU behind it."
        ),
        needed=_submodules_are_a_plain_dict,
        patch=_find_inplace_modules_by_traversal,
    ),
    "mmcv.ops": Mend(
        reason=(
            "MMSegmentation imports mmcv.ops everywhere, and mmcv-lite ships it "
            "without its compiled half. The stand-in keeps what is pure PyTorch."
        ),
        needed=_mmcv_has_no_compiled_ops,
        stand_in=_stand_in_for_mmcv_ops,
    ),
    "mmengine.config.config": Mend(
        reason=(
            "MMEngine reads _base_ = 'PACKAGE::CONFIG' of packages in a list of its "
            "own, to which an installed package cannot add itself, and would look for "
            "all types in the package's scope. Ours name types of several."
        ),
        needed=_always,
        patch=_know_our_configs,
    ),
    "mmengine.optim.optimizer.builder": Mend(
        reason=(
            "MMEngine gives an optimiser's constructor the whole algorithm, and those "
            "that look into the network (layer-wise rates of ConvNeXt, BEiT, MAE) want "
            "the student. A model may have a build_optim_wrapper of its own."
        ),
        needed=_always,
        patch=_ask_the_model,
    ),
    "torchvision._meta_registrations": Mend(
        reason=(
            "timm, whose networks MMSegmentation borrows, imports torchvision, whose "
            "build for CUDA cannot load its operators beside a PyTorch for CPUs. It "
            "goes on without them, but for the shapes of their results, which it "
            "registers all the same, and the import ends in a RuntimeError, "
            "MMSegmentation's own import too. No backbone needs the operators."
        ),
        needed=_torchvision_has_no_operators,
        stand_in=_leave_empty,
    ),
    "mmengine": Mend(
        reason=(
            "torch.load reads only weights since 2.6, and MMEngine's checkpoints "
            "hold log histories too (resume, teacher_ckpt, MMRazor's converters). A "
            "file that it refuses is read again with narrow stand-ins for these; "
            "anything else stays refused. A program without MMEngine has torch.load "
            "as it is."
        ),
        needed=_torch_load_is_weights_only,
        patch=read_histories,
    ),
    "mmengine.runner.checkpoint": Mend(
        reason=(
            "PyTorch's refusal of a checkpoint with code in it advises to load it "
            "all the same. Ours says in one sentence what was refused and why. And of "
            "a distillation's checkpoint, which a plain student loads as it is, "
            "MMEngine lists each name that is not the student's, 23 kB of them."
        ),
        needed=_torch_load_is_weights_only,
        patch=_read_checkpoints_kindly,
    ),
}
