import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def everywhere(mmsegs_scope):
    pass


@pytest.fixture
def camvid_tree(tmp_path: Path) -> Path:
    """Two splits of two small pairs; every label value, void among them, occurs."""
    return write_tree(tmp_path, (36, 48), range(12))


@pytest.fixture
def aerial_tree(tmp_path: Path) -> Path:
    """The same for aerial images, larger than a crop."""
    return write_tree(tmp_path, (280, 300), (0, 1, 2, 3, 4, 255))


def write_tree(root: Path, size: tuple[int, int], values: Sequence[int]) -> Path:
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        for number in range(2):
            image = rng.integers(256, size=(*size, 3), dtype=np.uint8)
            label = np.resize(np.array(values, np.uint8), size)
            for kind, pixels in (("images", image), ("labels", label)):
                path = root / kind / split / f"{split}_{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(path)
    return root


@pytest.fixture
def real_camvid() -> Path:
    """The real images, where a copy of them is at hand."""
    root = REPOSITORY / os.environ.get("TEXTURE_KD_CAMVID", "data/camvid")
    if not root.is_dir():
        pytest.skip("no CamVid: set TEXTURE_KD_CAMVID to its folder")
    return root


@pytest.fixture
def load_config() -> Callable:
    """Read a fragment of ``configs/_base_/datasets`` by name."""
    from mmengine.config import Config

    folder = REPOSITORY / "configs" / "_base_" / "datasets"
    return lambda name: Config.fromfile(folder / f"{name}.py")
