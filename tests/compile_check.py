"""A check that what a function becomes when it is compiled is still the function."""

import torch


def check_compiled(function, shapes):
    """Compare values and gradients, compiled without graph breaks and not compiled."""
    torch.compiler.reset()
    # With symbolic shapes, once for all of them.
    compiled = torch.compile(
        function, fullgraph=True, dynamic=True, backend="aot_eager"
    )
    for shape in shapes:
        x = torch.randn(shape, requires_grad=True)
        result, expected = compiled(x), function(x)
        torch.testing.assert_close(result, expected)
        weights = torch.randn_like(result)
        torch.testing.assert_close(
            torch.autograd.grad(result, x, weights),
            torch.autograd.grad(expected, x, weights),
        )
