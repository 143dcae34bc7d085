"""Time the statistical texture beside a plain self-similarity and its dense definition.

python tools/benchmark/statistical_texture.py [--size N C H W] [--repeats R]
    [--threads T ...] [--out FOLDER]

Writes statistical_texture.md and statistical_texture.csv, for the CPU with each number
of threads and, where there is one, a GPU.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from measure import (
    Call,
    Function,
    Spread,
    Table,
    command_line,
    devices,
    keep_freed_memory,
    machine,
    memory_rows,
    option_parser,
    time_rows,
    with_backward,
    write_report,
)
from torch import Tensor

from texture_kd.functional import (
    HistogramOptions,
    Levels,
    Regions,
    SamplerOptions,
    TextureHistogram,
    cosine_self_similarity,
    cut_regions,
    quantize,
    regions_of,
    requantize_levels,
    sample_regions,
    texture_histogram,
)
from texture_kd.losses.texture_extractor import region_histograms

NORMALIZE = "self-similarity by F.normalize"
SIMILARITY = "self-similarity"
DISTANCE = "histogram and its L2"
DENSE = "histogram and its L2, dense"
SAMPLER = "sampler, of intensities"
REGIONS = "histograms of the regions"
FORWARD, BACKWARD = "forward", "forward and backward"
NOTE = """\
Written by `{command}`, in float32.

Calls are timed in turn, {repeats} rounds after two to warm up: medians, with quartiles
in brackets. The ratio is to the self-similarity by F.normalize of the same features, in
the same round and pass. Backward is the gradient of the features, given that of the
output. Freed memory is kept for the next call (glibc only), so that hardly any page
faults are timed. On a machine that is shared, one case can differ from table to table:
compare within a table.

The histogram and its L2 is everything from the features to a scalar: self-similarity,
levels, denoised counts, and the mean squared differences of nodes and of intensities
from those of a fixed target, as in DTIEMLoss without layers and regions. Dense is the
same with F.normalize and with matrices of levels by pixels. It was checked to return
the same, and to have the same gradient, in double precision. Regions are
those of the sampler, {regions} of each image; one call makes the histograms of all.

Memory is what a call takes from PyTorch's allocator at most, results included, beyond
what it is given. The limits of the first table are for features (2, 64, 128, 256)."""

Size = tuple[int, int, int, int]
Cases = Sequence[tuple[Size, HistogramOptions]]
Passes = dict[str, dict[str, Call]]
Row = dict[str, str | float | Spread]


def main() -> None:
    """Measure on every device and report."""
    parser = option_parser(__doc__.splitlines()[0])
    parser.add_argument(
        "--threads",
        type=int,
        nargs="+",
        default=[torch.get_num_threads()],
        help="threads of PyTorch on the CPU; several numbers are measured in turn",
    )
    args = parser.parse_args()
    size = tuple(args.size)
    if min(*size, args.repeats, *args.threads) < 1:
        parser.error("--size, --repeats and --threads are positive numbers")
    if size[1] % 4 or size[2] % 2 or size[3] % 2:
        parser.error("--size: C must be a multiple of 4, H and W of 2")
    keep_freed_memory()
    torch.manual_seed(0)
    cpu, *others = devices()
    places = [(f"cpu, threads: {count}", cpu, count) for count in args.threads]
    places += [(other.type, other, args.threads[0]) for other in others]
    facts, limits, tables = [], [], []
    for name, device, threads in places:
        torch.set_num_threads(threads)
        facts.append(f"- {machine(device)}")
        time, memory, *growths = measure(size, args.repeats, device, name)
        limits.append(limits_row(name, time, memory))
        tables += [time, memory, *growths]
    note = NOTE.format(
        command=command_line(), repeats=args.repeats, regions=SamplerOptions().regions
    )
    lines = ["# Statistical texture", "\n".join(facts), note]
    tables = [Table(f"Limits: {DISTANCE}, {BACKWARD}, {size}", limits), *tables]
    print(write_report(args.out, "statistical_texture", lines, tables))


def measure(size: Size, repeats: int, device: torch.device, name: str) -> list[Table]:
    """Measure everything on one device.

    Args:
        size: (N, C, H, W) of the reference, which the others are derived from.
        repeats: rounds of each timing.
        device: where to compute.
        name: name of the device for the titles.

    Returns:
        Time and memory at the reference size, and how the time grows.
    """
    n, c, h, w = size
    options = HistogramOptions()
    x = torch.randn(size, device=device)
    calls = reference_calls(x)
    sides = [((n, c, h * k // 2, w * k // 2), options) for k in (1, 2, 4, 8)]
    channels = [((n, c * k // 4, h, w), options) for k in (1, 2, 4, 8, 16)]
    levels = [(size, HistogramOptions(count=count)) for count in (12, 25, 50, 100, 200)]

    def growth(what: str, cases: Cases, *names: str) -> Table:
        rows = growth_rows(cases, names, repeats, device)
        return Table(f"Growth with the {what}, {name}", rows)

    return [
        Table(f"Time: {size}, {name}", pass_time_rows(calls, x, repeats)),
        Table(f"Peak memory: {size}, {name}", pass_memory_rows(calls, x)),
        growth("sides", sides, DISTANCE),
        growth("channels", channels, DISTANCE),
        growth("levels", levels, DISTANCE, DENSE),
    ]


def limits_row(name: str, time: Table, memory: Table) -> Row:
    """Set the figures of the histogram and its L2 beside what they are held to."""
    case = {"pass": BACKWARD, "operation": DISTANCE}
    timed, allocated = (
        next(row for row in table.rows if case.items() <= row.items())
        for table in (time, memory)
    )
    return {
        "device": name,
        "ratio": timed["ratio"],
        "ratio, at most": 1.3,
        "MiB": allocated["MiB"],
        "MiB, at most": 40,
    }


def reference_calls(x: Tensor) -> Passes:
    """Return what is measured at the reference size, by pass and name.

    Raises:
        AssertionError: the dense definition and ours do not agree.
    """
    functions = texture_functions(x, HistogramOptions())
    check_same(functions[DISTANCE], functions[DENSE], x)
    intensity = cosine_self_similarity(x)
    regions = regions_of(sample_regions(intensity), tuple(x.shape[2:]))
    functions[REGIONS] = partial(histograms_of, regions=regions)
    calls = passes(functions, x)
    calls[FORWARD][SAMPLER] = lambda: sample_regions(intensity)
    return calls


def texture_functions(x: Tensor, options: HistogramOptions) -> dict[str, Function]:
    """Return the functions that are compared on features like ``x``."""
    other = cosine_self_similarity(torch.randn_like(x))
    target = texture_histogram(other.flatten(1), options)
    return {
        NORMALIZE: lambda x: [normalized_similarity(x)],
        SIMILARITY: lambda x: [cosine_self_similarity(x)],
        DISTANCE: partial(texture_distance, target=target, options=options),
        DENSE: partial(dense_distance, target=target, options=options),
    }


def normalized_similarity(x: Tensor) -> Tensor:
    """Compute the self-similarity (B, H, W) in one line."""
    mean = x.mean((2, 3), keepdim=True)
    return (F.normalize(x, dim=1) * F.normalize(mean, dim=1)).sum(1)


def texture_distance(
    x: Tensor, target: TextureHistogram, options: HistogramOptions
) -> list[Tensor]:
    """Compute the histogram of whole maps and its distance from a target."""
    histogram = texture_histogram(cosine_self_similarity(x).flatten(1), options)
    return [distance(histogram.intensity, histogram.nodes, target)]


def dense_distance(
    x: Tensor, target: TextureHistogram, options: HistogramOptions
) -> list[Tensor]:
    """Compute the same as it is defined, for maps that are not constant."""
    similarity = normalized_similarity(x).flatten(1)
    minimum, maximum = similarity.detach().aminmax(dim=1, keepdim=True)
    intensity = (similarity - minimum) / (maximum - minimum)
    levels = dense_levels(intensity.detach(), options)
    counts = quantize(intensity, levels).sum(2)
    top = options.theta * counts.amax(1, keepdim=True)
    extra = (counts - top).clamp_min(0).mean(1, keepdim=True)
    denoised = counts.clamp(max=top) + extra
    shares = denoised / denoised.mean(1, keepdim=True)
    nodes = torch.stack([levels.centres, shares], 1)
    return [distance(intensity, nodes, target)]


def dense_levels(intensity: Tensor, options: HistogramOptions) -> Levels:
    """Choose the levels by a matrix of 2N cells by pixels."""
    cells = 2 * options.count
    edges = torch.arange(cells + 1, device=intensity.device).to(intensity) / cells
    lower, upper = edges[:-1, None], edges[1:, None]
    pixels = intensity[:, None]
    caught = (lower < pixels) & (pixels <= upper)
    caught[:, 0] |= intensity == 0
    weights = 1 - ((lower + upper) / 2 - pixels).abs()
    counts = torch.where(caught, weights, 0).sum(2)
    edges = edges.expand(len(counts), -1)
    levels = requantize_levels(counts, edges, options.alpha, options.delta)
    return Levels(*(tensor.to(intensity.dtype) for tensor in levels))


def distance(intensity: Tensor, nodes: Tensor, target: TextureHistogram) -> Tensor:
    """Return the loss of DTIEMLoss without layers: two mean squared differences."""
    return sum(
        (found - wanted).square().mean()
        for found, wanted in ((nodes, target.nodes), (intensity, target.intensity))
    )


def histograms_of(x: Tensor, regions: Regions) -> list[Tensor]:
    """Compute nodes and intensities of regions."""
    rows = cut_regions(x, regions)
    histogram = region_histograms(rows, regions, HistogramOptions())
    return [histogram.nodes, histogram.intensity]


def check_same(function: Function, other: Function, x: Tensor) -> None:
    """Check that two functions have the same values and gradients at ``x``."""
    # In single precision rounding moves pixels to the next level.
    x = x.double().requires_grad_()
    (found,), (expected,) = function(x), other(x)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=0)
    (gradient,) = torch.autograd.grad(found, x)
    (expected,) = torch.autograd.grad(expected, x)
    tolerance = 1e-9 * expected.abs().max().item()
    torch.testing.assert_close(gradient, expected, rtol=0, atol=tolerance)


def passes(functions: Mapping[str, Function], x: Tensor) -> Passes:
    """Return the calls of functions by pass and name."""
    return {
        FORWARD: {name: partial(call, x) for name, call in functions.items()},
        BACKWARD: {name: with_backward(call, x) for name, call in functions.items()},
    }


def pass_time_rows(calls: Passes, x: Tensor, repeats: int) -> list[Row]:
    """Time the calls of each pass."""
    return [
        {"pass": name, **row}
        for name, group in calls.items()
        for row in time_rows(group, x, repeats, NORMALIZE)
    ]


def pass_memory_rows(calls: Passes, x: Tensor) -> list[Row]:
    """Measure what the calls of each pass allocate."""
    unit = x.numel() * x.element_size() / 2**20
    return [
        {"pass": name, **row, "MiB": row["x input"] * unit}
        for name, group in calls.items()
        for row in memory_rows(group, x)
    ]


def growth_rows(
    cases: Cases, names: Sequence[str], repeats: int, device: torch.device
) -> list[Row]:
    """Time functions by name for several sizes and numbers of levels."""
    rows = []
    for size, options in cases:
        x = torch.randn(size, device=device)
        functions = texture_functions(x, options)
        calls = passes({name: functions[name] for name in (NORMALIZE, *names)}, x)
        case = {"size": str(size), "levels": options.count}
        for row in pass_time_rows(calls, x, repeats):
            if row["operation"] != NORMALIZE:
                rows.append({**case, **row})
    return rows


if __name__ == "__main__":
    main()
