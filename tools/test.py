"""Evaluate a checkpoint: MMRazor's test.py under the stack bridge.

python tools/test.py CONFIG CHECKPOINT [--work-dir DIR] [--cfg-options K=V ...]
"""

from texture_kd.compat.launch import run_mmrazor_tool

if __name__ == "__main__":
    run_mmrazor_tool("test.py")
