"""Packaging of texture_kd.

``mim train texture_kd CONFIG`` looks for ``configs`` and ``tools`` in the folder
``texture_kd/.mim`` of site-packages. Here they live at the top of the source tree, so
the build puts them there: copies in a wheel, one-line references to the source tree
in an editable install, so that an edited config is never shadowed by an old copy.
"""

import shutil
from pathlib import Path
from runpy import run_path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
MIM_FOLDERS = ("configs", "tools")
METADATA = ("model-index.yml", "configs/metafile.yml")
REFERENCE = {
    "configs": "_base_ = [{path!r}]\n",
    # Tools may import what stands beside them.
    "tools": "import runpy\nimport sys\n\nsys.path[0] = {folder!r}\n"
    "runpy.run_path({path!r}, run_name='__main__')\n",
}


class BuildWithMim(build_py):
    """Adds ``texture_kd/.mim`` to what is built."""

    def run(self) -> None:
        """Build the package, then its ``.mim`` folder."""
        super().run()
        if self.editable_mode:
            # What lies in the wheel's root goes to site-packages.
            wheel_root = self.get_finalized_command("install").install_lib
            refer_to_sources(Path(wheel_root) / "texture_kd" / ".mim")
        else:
            copy_sources(Path(self.build_lib) / "texture_kd" / ".mim")


def copy_sources(mim: Path) -> None:
    """Copy configs and tools to ``mim``."""
    for folder in MIM_FOLDERS:
        shutil.rmtree(mim / folder, ignore_errors=True)
        shutil.copytree(
            ROOT / folder, mim / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / METADATA[0], mim)


def refer_to_sources(mim: Path) -> None:
    """Write one-line files to ``mim`` that lead to the configs and tools of ROOT."""
    for folder, text in REFERENCE.items():
        for source in (ROOT / folder).glob("**/*.py"):
            reference = mim / source.relative_to(ROOT)
            reference.parent.mkdir(parents=True, exist_ok=True)
            line = text.format(path=str(source), folder=str(source.parent))
            reference.write_text(line, encoding="utf-8")
    # What mim searches is no Python, and has no way to refer to another file.
    for name in METADATA:
        shutil.copy(ROOT / name, mim / name)


def requirements(name: str) -> list[str]:
    """Read the requirements of one file, without comments."""
    lines = (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


setup(
    name="texture_kd",
    version=run_path(str(ROOT / "texture_kd" / "__init__.py"))["__version__"],
    description="Texture knowledge distillation for MMSegmentation and MMRazor",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.10,<3.14",
    install_requires=requirements("runtime.txt"),
    extras_require={
        "backbones": requirements("backbones.txt"),
        "docs": requirements("docs.txt"),
        "onnx": requirements("onnx.txt"),
        "tests": [
            line
            for name in ("tests.txt", "docs.txt", "onnx.txt", "backbones.txt")
            for line in requirements(name)
        ],
    },
    packages=find_packages(include=["texture_kd", "texture_kd.*"]),
    # Naming the root makes editable installs add it to the path as a whole, so that
    # site-packages/texture_kd may hold .mim beside it.
    package_dir={"": "."},
    cmdclass={"build_py": BuildWithMim},
    entry_points={"torch.backends": ["texture_kd = texture_kd.compat:autoload"]},
    zip_safe=False,
)
