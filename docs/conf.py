"""How Sphinx builds this site; the command is ``make docs``."""

import importlib

from texture_kd import __version__
from texture_kd.compat import install

# Autodoc imports OpenMMLab, which on today's PyTorch needs the bridge.
install()
# Before MMDetection is mocked, which MMRazor looks for when it is imported.
importlib.import_module("texture_kd.components")
# texture_kd.detectors needs it, and the site does not.
autodoc_mock_imports = ["mmdet"]

project = "texture_kd"
version = release = __version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    # Brings MathJax along, so that equations need no network.
    "sphinx-mathjax-offline",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build"]

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

napoleon_numpy_docstring = False
# Attributes become a list of the class, for autodoc makes a target of each already.
napoleon_use_ivar = True

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_title = f"texture_kd {release}"
html_show_copyright = False


def skip_field(app, what, name, obj, skip, options):
    """Leave out what Python says of a named tuple's fields: our docstrings do."""
    documented = not str(obj.__doc__).startswith("Alias for field number")
    return skip if documented else True


def setup(app):
    """Connect to autodoc."""
    app.connect("autodoc-skip-member", skip_field)
