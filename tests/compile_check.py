"""A check that what a function becomes when it is compiled is still the function."""

import torch


def check_compiled(function, shapes):
    """Compare values and gradients, compiled without graph breaks and not compiled.

    The first size is compiled as it is, with its gradient; the second with symbolic
    shapes, of which the gradient's graph would take most of the time.
    """
    for shape, options in zip(
        shapes,
        (
            dict(backend="aot_eager", dynamic=False),
            dict(backend="eager", dynamic=True),
        ),
        strict=True,
    ):
        torch.compiler.reset()
        x = torch.randn(shape, requires_grad=True)
        result = torch.compile(function, fullgraph=True, **options)(x)
        expected = function(x)
        torch.testing.assert_close(result, expected)
        weights = torch.randn_like(result)
        torch.testing.assert_close(
            torch.autograd.grad(result, x, weights),
            torch.autograd.grad(expected, x, weights),
        )
