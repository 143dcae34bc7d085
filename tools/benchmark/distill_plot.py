"""The picture of the distillation benchmark."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev

from distill_run import Key, Result, Results
from distill_suite import STUDENT, TEACHER
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from texture_kd.whole_file import replaced

GREYS = {TEACHER: "0.2", STUDENT: "0.5"}
# Bright ones without the map's own grey, and dark ones for more than nine rows.
COLOURS = [c for i, c in enumerate(colormaps["tab10"].colors) if i != 7]
COLOURS += colormaps["Dark2"].colors[:-1]
MEAN, SEED = dict(markersize=8, zorder=3), dict(markersize=4, alpha=0.5)

# The results of each row, by its name.
Found = Mapping[str, Sequence[Result]]


def draw(
    results: Results,
    rows: Sequence[str],
    seeds: Sequence[int],
    label: str,
    picture: Path,
) -> None:
    """Draw the score by row and by what a training costs.

    Args:
        results: of the trainings that are finished.
        rows: names of the rows, in their order; those without a result are left out.
        seeds: the seeds.
        label: name and unit of the score.
        picture: file to write, never half there.
    """
    figure = Figure(figsize=(13, 5.5), layout="constrained")
    by_row, by_cost = figure.subplots(1, 2, sharey=True)
    others = [name for name in rows if name not in GREYS]
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(others)}
    colours |= GREYS
    full = _found(results, rows, seeds, equal_cost=False)
    equal = _found(results, rows, seeds, equal_cost=True)
    _draw_rows(by_row, full, colours)
    by_row.set_ylabel(label)
    _draw_costs(by_cost, full, equal, colours)
    with replaced(picture) as part:
        figure.savefig(part, format="png", dpi=120)


def _draw_rows(axes: Axes, full: Found, colours: Mapping[str, object]) -> None:
    for place, (name, found) in enumerate(full.items()):
        colour = colours[name]
        scores = [result.score for result in found]
        centre, deviation = mean(scores), stdev(scores) if len(scores) > 1 else 0
        if name in GREYS:
            band = (centre - deviation, centre + deviation)
            axes.axhspan(*band, color=colour, alpha=0.15, linewidth=0)
            axes.axhline(centre, color=colour, linewidth=1, linestyle="--")
        axes.errorbar(
            place - 0.1, centre, deviation, None, "o", color=colour, capsize=4
        )
        axes.plot([place + 0.1] * len(scores), scores, "o", color=colour, **SEED)
    axes.set_xticks(range(len(full)), full, rotation=30, ha="right")
    axes.set_title("Equal iterations: mean ± std, and each seed")
    axes.grid(axis="y", alpha=0.3)


def _draw_costs(
    axes: Axes, full: Found, equal: Found, colours: Mapping[str, object]
) -> None:
    for name, found in full.items():
        colour = colours[name]
        ends = [_draw_cloud(axes, found, "o", colour)]
        if name in equal:
            ends.append(_draw_cloud(axes, equal[name], "D", colour))
        axes.plot(*zip(*ends, strict=True), "-", color=colour, alpha=0.5, linewidth=1)
        axes.plot([], [], "o", color=colour, label=name)
    if equal:
        axes.plot([], [], "D", color="0.2", mfc="white", label="at equal cost")
    axes.set_xlabel("cost (s): iterations × seconds an iteration")
    axes.set_title("By cost: mean of the seeds, and each of them")
    axes.grid(alpha=0.3)
    if full:
        axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))


def _draw_cloud(
    axes: Axes, found: Sequence[Result], marker: str, colour: object
) -> tuple[float, float]:
    """Draw each seed's cost and score, and return their mean, which is drawn, too."""
    cost = [result.iters * result.seconds for result in found]
    scores = [result.score for result in found]
    axes.plot(cost, scores, marker, color=colour, **SEED)
    centre = mean(cost), mean(scores)
    face = colour if marker == "o" else "white"
    axes.plot(*centre, marker, color=colour, mfc=face, **MEAN)
    return centre


def _found(
    results: Results, rows: Sequence[str], seeds: Sequence[int], equal_cost: bool
) -> Found:
    keys = {name: [Key(name, seed, equal_cost) for seed in seeds] for name in rows}
    found = {
        name: [results[key] for key in keys[name] if key in results] for name in rows
    }
    return {name: values for name, values in found.items() if values}
