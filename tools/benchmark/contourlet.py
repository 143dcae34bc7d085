"""Time the contourlet transform beside Fourier transforms and its plain definition.

python tools/benchmark/contourlet.py [--size N C H W] [--repeats R] [--threads T]
    [--out FOLDER]

Writes contourlet.md and contourlet.csv, for the CPU and, where there is one, a GPU.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from measure import (
    Call,
    Spread,
    Table,
    command_line,
    devices,
    interleave,
    keep_freed_memory,
    machine,
    memory_rows,
    option_parser,
    time_rows,
    with_backward,
    write_report,
)
from torch import Tensor
from torch.fft import irfft2, rfft2
from torch.nn.functional import conv2d

from texture_kd.functional import ContourletBands, contourlet, inverse_contourlet
from texture_kd.functional.contourlet.aliasing import filter_bank
from texture_kd.functional.contourlet.directional_tree import (
    directional_lattices,
    directional_responses,
)
from texture_kd.functional.contourlet.filters import pyramid_responses

LEVELS = (4, 3)
DEPTHS = ((2,), (3,), (4,), (5,), LEVELS, (4, 3, 2))
ROUND_TRIP = "rfft2 and irfft2"
FORWARD = "contourlet, forward"
BACKWARD = "contourlet, forward and backward"
NOTE = """\
Written by `{command}`, in float32.

Calls are timed in turn, {repeats} rounds after two to warm up: medians, with quartiles
in brackets. The ratio is to one rfft2 and irfft2 of the same tensor in the same round.
Backward is the gradient of the input, given those of all outputs. Freed memory is kept
for the next call (glibc only), so that hardly any page faults are timed. On a machine
that is shared, one case can differ from table to table: compare within a table.

The definition is the transform in a few lines of PyTorch: for each band one product
with the spectrum and one inverse transform, of which every (a, b)-th sample is kept. It
was checked to return the same bands.

Memory is what a call takes from PyTorch's allocator at most, results included, beyond
what it is given."""

Size = tuple[int, int, int, int]


def main() -> None:
    """Measure on every device and report."""
    parser = option_parser(__doc__.splitlines()[0])
    parser.add_argument(
        "--threads",
        type=int,
        default=torch.get_num_threads(),
        help="threads of PyTorch on the CPU",
    )
    args = parser.parse_args()
    size = tuple(args.size)
    if min(*size, args.repeats, args.threads) < 1:
        parser.error("--size, --repeats and --threads are positive numbers")
    if size[1] % 4 or size[2] % 16 or size[3] % 16:
        parser.error("--size: C must be a multiple of 4, H and W of 16")
    torch.set_num_threads(args.threads)
    keep_freed_memory()
    torch.manual_seed(0)
    tables = [
        table for device in devices() for table in measure(size, args.repeats, device)
    ]
    facts = "\n".join(f"- {machine(device)}" for device in devices())
    note = NOTE.format(command=command_line(), repeats=args.repeats)
    lines = ["# Contourlet transform", facts, note]
    print(write_report(args.out, "contourlet", lines, tables))


def measure(size: Size, repeats: int, device: torch.device) -> list[Table]:
    """Measure everything on one device.

    Args:
        size: (N, C, H, W) of the reference, which the others are derived from.
        repeats: rounds of each timing.
        device: where to compute.

    Returns:
        Time and memory at the reference size, and how the time grows.
    """
    n, c, h, w = size
    title = f"{size}, levels {LEVELS}, {device.type}"
    x = torch.randn(size, device=device)
    calls = reference_calls(x)
    sides = [((n, c, h * k // 2, w * k // 2), LEVELS) for k in (1, 2, 4, 8)]
    channels = [((n, c * k // 4, h, w), LEVELS) for k in (1, 2, 4, 8, 16)]
    return [
        Table(
            f"Time: {title}",
            time_rows(calls, x, repeats, ROUND_TRIP) + first_call_rows(x, repeats),
        ),
        Table(f"Peak memory: {title}", memory_rows(calls, x)),
        growth(f"Growth with the sides, {device.type}", sides, repeats, device),
        growth(f"Growth with the channels, {device.type}", channels, repeats, device),
        growth(
            f"Growth with the levels, {device.type}",
            [(size, levels) for levels in DEPTHS],
            repeats,
            device,
        ),
    ]


def reference_calls(x: Tensor) -> dict[str, Call]:
    """Return what is measured at the reference size, by name.

    Raises:
        AssertionError: the definition and ours do not agree.
    """
    bands = contourlet(x, LEVELS)
    scales = prepare(x, LEVELS)
    weight = torch.randn(x.shape[1], 1, 3, 3, device=x.device)

    def definition(x: Tensor) -> list[Tensor]:
        return define(x, scales)

    def depthwise(x: Tensor) -> list[Tensor]:
        return [conv2d(x, weight, padding=1, groups=x.shape[1])]

    torch.testing.assert_close(definition(x), coefficients(bands), rtol=0, atol=1e-4)
    return {
        **contourlet_calls(x, LEVELS),
        "contourlet, inverse": lambda: inverse_contourlet(bands),
        "definition, forward": lambda: definition(x),
        "definition, forward and backward": with_backward(definition, x),
        "depthwise 3x3, forward": lambda: depthwise(x),
        "depthwise 3x3, forward and backward": with_backward(depthwise, x),
        "clone": x.clone,
    }


def contourlet_calls(x: Tensor, levels: Sequence[int]) -> dict[str, Call]:
    """Return the transform, with its gradient too, after what it is compared with."""

    def forward(x: Tensor) -> list[Tensor]:
        return coefficients(contourlet(x, levels))

    return {
        ROUND_TRIP: lambda: irfft2(rfft2(x), s=x.shape[-2:]),
        FORWARD: lambda: forward(x),
        BACKWARD: with_backward(forward, x),
    }


def coefficients(bands: ContourletBands) -> list[Tensor]:
    """Return all bands, finest first, and last the low-pass image."""
    return [
        *(stack for level in bands.directional for stack in level.stacks),
        bands.low,
    ]


class Scale(NamedTuple):
    """Responses (H, W/2 + 1) of one scale, for the definition.

    Attributes:
        analysis: low-pass of the pyramid.
        synthesis: low-pass of its prediction.
        directional: sampling steps and responses of each stack of bands.
    """

    analysis: Tensor
    synthesis: Tensor
    directional: list[tuple[tuple[int, int], Tensor]]


def prepare(x: Tensor, levels: Sequence[int]) -> list[Scale]:
    """Compute the filters of the definition for images like ``x``."""

    def like_spectrum(response: Tensor) -> Tensor:
        return response.to(x.device, x.dtype.to_complex())

    height, width = x.shape[-2:]
    scales = []
    for i, level in enumerate(levels):
        size = (height >> i, width >> i)
        lowpass = map(like_spectrum, pyramid_responses(size, "maxflat"))
        stacks = map(like_spectrum, directional_responses(size, level, "dmaxflat7"))
        directional = zip(directional_lattices(level), stacks, strict=True)
        scales.append(Scale(*lowpass, [*directional]))
    return scales


def define(x: Tensor, scales: Sequence[Scale]) -> list[Tensor]:
    """Compute the contourlet transform as it is defined, band by band.

    Args:
        x: images (N, C, H, W).
        scales: what :func:`prepare` returns.

    Returns:
        What :func:`coefficients` returns.
    """
    outputs = []
    for scale in scales:
        size = x.shape[-2:]
        band_pass, low = split_pyramid(x, scale)
        for (a, b), responses in scale.directional:
            bands = [
                irfft2(band_pass * response, s=size)[..., ::a, ::b].contiguous()
                for response in responses
            ]
            outputs.append(torch.stack(bands, dim=2))
        x = low
    return [*outputs, x]


def split_pyramid(x: Tensor, scale: Scale) -> tuple[Tensor, Tensor]:
    """Return the spectrum of the band-pass image, and the low-pass image."""
    spectrum = rfft2(x)
    # Views of samples would keep all the others alive.
    low = irfft2(spectrum * scale.analysis, s=x.shape[-2:])
    low = low[..., ::2, ::2].contiguous()
    prediction = torch.zeros_like(x)
    prediction[..., ::2, ::2] = low
    return spectrum - rfft2(prediction) * scale.synthesis, low


def growth(
    title: str,
    cases: Sequence[tuple[Size, Sequence[int]]],
    repeats: int,
    device: torch.device,
) -> Table:
    """Time the transform for several sizes and levels."""
    rows = []
    for size, levels in cases:
        x = torch.randn(size, device=device)
        case = {"size": str(size), "levels": str(levels)}
        for row in time_rows(contourlet_calls(x, levels), x, repeats, ROUND_TRIP):
            if row["operation"] != ROUND_TRIP:
                rows.append({**case, **row})
    return Table(title, rows)


def first_call_rows(x: Tensor, repeats: int) -> list[dict[str, str | Spread]]:
    """Time calls that have to prepare the filters for a new size."""

    def first_call() -> None:
        filter_bank.cache_clear()
        contourlet(x, LEVELS)

    seconds = interleave({FORWARD: first_call}, repeats, x.device)[FORWARD]
    name = f"{FORWARD}, first call of a size"
    return [{"operation": name, "time, ms": Spread.of(seconds).scaled(1e3)}]


if __name__ == "__main__":
    main()
