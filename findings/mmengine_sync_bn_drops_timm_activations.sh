#!/usr/bin/env bash
# MMEngine 0.10.7, timm 1.0.31, PyTorch 2.13.0 (CPU build, Python 3.11).
#
# `sync_bn="torch"` in a config makes MMEngine's Runner call convert_sync_batchnorm, which
# puts a plain SyncBatchNorm in the place of each module that is a kind of BatchNorm. Of
# EfficientNets and their like timm's norms are such a kind, BatchNormAct2d, and hold the
# activation that follows: it stays in the network as a child of the new norm that nothing
# calls. The network runs, with the same weights, and has no activation left in its
# backbone. No warning is given. timm's own convert_sync_batchnorm keeps them.
#
# Seen, behind the first norm of tf_efficientnet_lite0, whose activation is ReLU6:
#   as it is       norm BatchNormAct2d     values below 0: False
#   timm's own     norm SyncBatchNormAct   values below 0: False
#   MMEngine's     norm SyncBatchNorm      values below 0: True
#   warnings: 0, children of the norm that nothing calls: act, drop
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy
"$folder/venv/bin/pip" install --quiet mmengine==0.10.7 setuptools==81.0.0 pyyaml safetensors huggingface_hub
"$folder/venv/bin/pip" install --quiet --no-deps timm==1.0.31 torchvision==0.28.0
cat > "$folder/sync.py" <<'PYTHON'
import copy
import sys
import types
import warnings

import torch

# A build of torchvision for GPUs has no operators beside this PyTorch; none is needed.
sys.modules["torchvision._meta_registrations"] = types.ModuleType("unused")
import mmengine
import timm
from mmengine.model import convert_sync_batchnorm
from timm.layers import convert_sync_batchnorm as timms_own

torch.manual_seed(0)
network = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
images = torch.randn(1, 3, 64, 64)


def behind_the_first_norm(name, network):
    seen = []
    network.bn1.register_forward_hook(lambda module, args, output: seen.append(output))
    with torch.no_grad():
        network(images)
    negative = (seen[0] < 0).any().item()
    norm = type(network.bn1).__name__
    print(f"{name:<14} norm {norm:<18} values below 0: {negative}")
    return norm, negative


with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    theirs = convert_sync_batchnorm(copy.deepcopy(network), "torch")
kept = timms_own(copy.deepcopy(network)).eval()
found = [
    behind_the_first_norm(name, model.eval())
    for name, model in (
        ("as it is", network),
        ("timm's own", kept),
        ("MMEngine's", theirs),
    )
]
children = sorted(name for name, _ in theirs.bn1.named_children())
print(
    f"warnings: {len(said)}, children of the norm that nothing calls: "
    f"{', '.join(children)}"
)
assert torch.__version__.startswith("2.13.0"), torch.__version__
assert (mmengine.__version__, timm.__version__) == ("0.10.7", "1.0.31")
assert found == [
    ("BatchNormAct2d", False),
    ("SyncBatchNormAct", False),
    ("SyncBatchNorm", True),
]
assert not said and children == ["act", "drop"]
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/sync.py"
