"""Stands in for tools/train.py: writes at once what MMEngine writes while it trains.

The config's `fake` says what happens: the score is `miou` plus the seed, and its name
`metric`, or mIoU; other metrics are in `also`. An iteration takes `seconds`, a GPU
holds `memory`, and at [seed, iteration] of `exit` it fails, of `nan` it diverges, and
of `hang` it waits to be killed, unless it was resumed.
"""

import json
import os
import re
import runpy
import sys
import time
from pathlib import Path


def main():
    config, work_dir, *rest = sys.argv[1:]
    work_dir = Path(work_dir.removeprefix("--work-dir="))
    resume = rest[0] == "--resume"
    options = dict(option.split("=", 1) for option in rest[1 + resume :])
    with (work_dir / "commands.jsonl").open("a") as file:
        record = dict(
            config=config,
            resume=resume,
            options=options,
            threads=os.environ["OMP_NUM_THREADS"],
            process=os.getpid(),
        )
        print(json.dumps(record), file=file)
    if "model.teacher_ckpt" in options:
        Path(options["model.teacher_ckpt"]).read_text()
    train(read(Path(config)), options, work_dir, resume)


def read(config):
    base = re.match(r"_base_ = \['(.*)'\]", config.read_text())
    return runpy.run_path(base[1] if base else str(config))


def train(config, options, work_dir, resume):
    fake, hooks = config["fake"], config["default_hooks"]

    def number(key, default):
        return int(options.get(key, default))

    seed = number("randomness.seed", 0)
    iters = number("train_cfg.max_iters", config["train_cfg"]["max_iters"])
    interval = number("default_hooks.logger.interval", hooks["logger"]["interval"])
    save = number("default_hooks.checkpoint.interval", hooks["checkpoint"]["interval"])
    last = work_dir / "last_checkpoint"
    first = int(Path(last.read_text()).read_text()) if resume else 0
    log = work_dir / str(time.time_ns()) / "vis_data" / "scalars.json"
    log.parent.mkdir(parents=True)
    for step in range(first + 1, iters + 1):
        here = [seed, step]
        if here == fake.get("exit"):
            sys.exit("No space left on device")
        if step % interval == 0:
            loss = float("nan") if here == fake.get("nan") else 1.0
            # The start of the data loader's workers is in the mean of ten times.
            seconds = fake["seconds"] + 9 * (step <= first + 10)
            line = dict(loss=loss, time=seconds, step=step)
            write(log, line | ({"memory": fake["memory"]} if "memory" in fake else {}))
        if step % save == 0 or step == iters:
            checkpoint = work_dir / f"iter_{step}.pth"
            checkpoint.write_text(str(step))
            last.write_text(str(checkpoint))
        if here == fake.get("hang") and not resume:
            print("hangs", flush=True)
            time.sleep(120)
            sys.exit("Nobody killed it")
    scores = {fake.get("metric", "mIoU"): fake["miou"], **fake.get("also", {})}
    score = {name: value + seed for name, value in scores.items()}
    write(log, score | dict(time=5.0, step=iters))


def write(log, line):
    with log.open("a") as file:
        print(json.dumps(line), file=file)


if __name__ == "__main__":
    main()
