"""Train a distillation config: MMRazor's train.py under the stack bridge.

python tools/train.py CONFIG [--work-dir DIR] [--resume] [--amp] [--cfg-options K=V ...]
"""

from texture_kd.compat.launch import run_mmrazor_tool

if __name__ == "__main__":
    run_mmrazor_tool("train.py")
