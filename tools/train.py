"""Train a distillation config: MMRazor's train.py under the stack bridge.

python tools/train.py CONFIG [--work-dir DIR] [--resume] [--amp] [--cfg-options K=V ...]
python tools/train.py CONFIG --check [--amp] [--cfg-options K=V ...]

--check builds everything, runs two iterations, and prints in one table what each
recorder, connector and loss gave, how strongly each loss pulls at the student, the
memory, and the time to expect of training and validations. Of all that is wrong it says
in a sentence each what and where; then the exit status is 1.
"""

import sys
from unittest.mock import patch

from texture_kd.compat import install
from texture_kd.compat.launch import run_mmrazor_tool


def check() -> None:
    """Try the training that the command line asks for."""
    install()
    from texture_kd.analysis.check_runner import CheckFailed, CheckRunner
    from texture_kd.analysis.sentences import sentence
    from texture_kd.faults import ALSO, PROBLEMS

    try:
        with patch("mmengine.runner.Runner", CheckRunner):
            run_mmrazor_tool("train.py")
    except CheckFailed as failure:
        lines = [f"Wrong: {fault}" for fault in str(failure).split(ALSO)]
        sys.exit("\n".join(["", *lines]))
    except PROBLEMS as error:
        sys.exit(f"Wrong: reading the config: {sentence(error)}")


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.argv.remove("--check")
        check()
    else:
        if {"-h", "--help"} & set(sys.argv):
            # MMRazor's own help follows, which does not know of --check.
            print(__doc__)
        run_mmrazor_tool("train.py")
