"""Compose a distillation of two networks' configs, and check it.

python tools/compose.py STUDENT TEACHER [CHECKPOINT] -o my.py
    [--data DATA] [--method METHOD] [--options K=V ...] [--iterations N]
    [--no-pretrained] [--no-check]

STUDENT and TEACHER are configs of a training, paths or names of installed packages such
as mmseg::segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py; CHECKPOINT is the
teacher's. DATA is a config with train_dataloader, val_dataloader, val_evaluator and
their like for test, which both networks are put on: classes, ignored label and crops.

It writes my.py, whose first lines say the commands, my_student.py, which trains the
student alone, and without CHECKPOINT my_teacher.py, which trains the teacher. Stages,
channels and logits are found by building both networks. Then it runs two iterations, as
train.py --check does.
"""

import argparse
import shlex
import subprocess
import sys
from ast import literal_eval
from pathlib import Path

from texture_kd.compat import install


def main() -> None:
    """Compose, write and check."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("student", help="config of the student's training")
    parser.add_argument("teacher", help="config of the teacher's training")
    parser.add_argument("checkpoint", nargs="?", help="of the teacher, a path or URL")
    parser.add_argument("-o", "--out", required=True, help="the config to write")
    parser.add_argument("--data", help="config of the data that both are put on")
    parser.add_argument("--method", default="texture", help="(default: %(default)s)")
    parser.add_argument(
        "--options",
        nargs="+",
        type=option,
        default=[],
        metavar="K=V",
        help="of the method",
    )
    for side in ("student", "teacher"):
        parser.add_argument(
            f"--{side}-stages",
            nargs="+",
            metavar="NAME",
            help=f"modules of the {side} that return its stages (default: found)",
        )
    parser.add_argument(
        "--no-pretrained",
        action="store_true",
        help="start both networks from scratch, not from weights to download",
    )
    parser.add_argument(
        "--iterations", type=int, help="of all trainings (default: their configs')"
    )
    parser.add_argument("--no-check", action="store_true", help="write only")
    parser.add_argument("--force", action="store_true", help="write over files")
    args = parser.parse_args()
    install()
    # They import OpenMMLab.
    import texture_kd.components  # noqa: F401
    from texture_kd.compose import Wanted, composed

    out = Path(args.out)
    if out.suffix != ".py":
        parser.error(f"--out takes a .py file, not {out}")
    wanted = Wanted(
        args.student,
        args.teacher,
        out,
        args.method,
        args.checkpoint,
        args.data,
        args.student_stages,
        args.teacher_stages,
        not args.no_pretrained,
        args.iterations,
        dict(args.options),
    )
    try:
        made, files = composed(wanted, command())
    except (ImportError, OSError, ValueError) as error:
        sys.exit(f"Wrong: {error}")
    there = [str(path) for path in files if path.exists()]
    if there and not args.force:
        sys.exit(f"Wrong: {', '.join(there)} exists: give --force to write over it")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    print(table(made))
    for note in made.notes:
        print(f"Note: {note}.")
    print(f"Wrote {', '.join(map(str, files))}.")
    if not args.no_check:
        sys.exit(check(out, args.checkpoint is not None))


def option(text: str) -> tuple[str, object]:
    """Read an option K=V of a method."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"expected K=V, got {text!r}")
    try:
        return name, literal_eval(value)
    except (SyntaxError, ValueError):
        return name, value


def command() -> str:
    """Return the command line as it was typed."""
    return shlex.join(["python", "tools/compose.py", *sys.argv[1:]])


def table(made) -> str:
    """Return which stages are compared."""
    lines = ["stage  student, stride, channels  ->  teacher, stride, channels"]
    pairs = zip(made.student.stages, made.teacher.stages, strict=True)
    for number, stages in enumerate(pairs, 1):
        said = (f"{x.source}, {x.stride}, {x.shape[1]}" for x in stages)
        lines.append(f"{number}      {'  ->  '.join(said)}")
    return "\n".join(lines)


def check(config: Path, with_teacher: bool) -> int:
    """Try the training, without the teacher's weights where there are none yet."""
    train = Path(__file__).with_name("train.py")
    line = [sys.executable, str(train), str(config), "--check"]
    if not with_teacher:
        print("The check goes without the teacher's weights, which are to be trained.")
        line += ["--cfg-options", "model.teacher_ckpt=None"]
    return subprocess.run(line, check=False).returncode


if __name__ == "__main__":
    main()
