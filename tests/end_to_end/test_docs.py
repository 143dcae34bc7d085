"""The documentation builds, and what it shows to be typed runs as it is printed."""

import doctest
import importlib
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmseg.registry import DATASETS
from PIL import Image

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "texture_kd"
CONFIGS = REPOSITORY / "configs"
TEACHER = "pspnet_r18-w32-d8"
STUDENT = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
WITH_EXAMPLES = sorted(
    path for path in PACKAGE.rglob("*.py") if ">>>" in path.read_text()
)
PAGES = sorted([REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md")])
# What a test's environment has already.
ENVIRONMENT = ("make env", ". .venv/bin/activate")


def test_the_site_builds_without_a_warning(run_warm, tmp_path):
    build = ("-m", "sphinx", "-W", "--keep-going", "-b", "html")
    run_warm(sys.executable, *build, "docs", tmp_path)
    without_a_network(tmp_path)
    # What README says of it is there too, and its links lead to pages.
    start = (tmp_path / "start.html").read_text()
    assert 'id="in-your-own-config"' in start
    assert 'href="guides/texture.html"' in start
    for page in (REPOSITORY / "docs" / "reference").glob("*.md"):
        if page.stem == "index":
            continue
        if page.stem == "detectors" and find_spec("mmdet") is None:
            continue
        package = importlib.import_module(f"texture_kd.{page.stem}")
        built = (tmp_path / "reference" / f"{page.stem}.html").read_text()
        listed = set(re.findall(rf'id="{package.__name__}\.(\w+)"', built))
        assert listed == set(package.__all__)


def without_a_network(site):
    """Assert that all that a page with equations loads is of the site."""
    page = (site / "theory" / "lsfd.html").read_text()
    loaded = re.findall(r'<(?:script[^>]* src|link[^>]* href)="([^"?]+)', page)
    assert "../_static/mathjax/tex-chtml.js" in loaded
    for name in loaded:
        assert "://" not in name
        assert (site / "theory" / name).is_file()


@pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY))
)
def test_the_files_that_a_page_names_are_there(page):
    # Without patterns and places, such as configs/texture_*.py.
    named = re.findall(
        r"(?<![\w./-])(?:tests|tools|configs|texture_kd)/[\w./+-]+\.py\b",
        page.read_text(),
    )
    assert [path for path in named if not (REPOSITORY / path).is_file()] == []


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_of_docstrings_hold(path):
    name = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0
    assert found.failed == 0


@pytest.fixture
def examples(tmp_path):
    """Write the configs and modules of the guides to a folder, beside three images."""
    for guide in (REPOSITORY / "docs" / "guides").glob("*.md"):
        for name, text in re.findall(
            r"<!-- example: (\S+) -->\n```python\n(.*?)```", guide.read_text(), re.S
        ):
            (tmp_path / name).write_text(text)
    for folder in ("configs", "tools"):
        (tmp_path / folder).symlink_to(REPOSITORY / folder)
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        for kind, shape in (("images", (150, 160, 3)), ("labels", (150, 160))):
            folder = tmp_path / "data" / "mine" / kind / split
            folder.mkdir(parents=True)
            for name in "abc":
                suffix = ".jpg" if kind == "images" else ".png"
                pixels = rng.integers(3, size=shape, dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{name}{suffix}")
    return tmp_path


def blocks(page: str) -> list[str]:
    """Read the commands of a page, one text for each block."""
    text = (REPOSITORY / "docs" / page).read_text()
    return re.findall(r"```bash\n(.*?)```", text, re.S)


def test_the_loss_of_the_guide_passes_a_check(run_printed, examples):
    composing, check = blocks("guides/own_losses.md")
    assert "distill.loss_gram" in run_printed(composing, examples)
    path = examples / "my_pair.py"
    composed = Config.fromfile(path, import_custom_modules=False).model.distiller
    assert composed.distill_losses.loss_gram.loss_weight == 2
    assert "distill.loss_gram" in run_printed(check, examples)


def test_the_texture_of_the_guide_passes_a_check(run_printed, examples):
    (check,) = blocks("guides/texture.md")
    assert "distill.loss_texture" in run_printed(check, examples)


def test_the_guide_to_own_data_runs_as_printed(run_printed, examples):
    shorter = "train_cfg = dict(max_iters=2)\ntrain_dataloader = dict(batch_size=2)\n"
    for config in ("my_student.py", "my_teacher.py"):
        with (examples / config).open("a") as file:
            file.write(shorter)
    distillation = examples / "my_distillation.py"
    distillation.write_text(distillation.read_text().replace("iter_400", "iter_2"))
    (commands,) = blocks("guides/own_data.md")
    commands = commands.replace("iter_400", "iter_2")
    out = run_printed(commands, examples)
    assert "distill.loss_texture" in out
    assert re.findall(r"Iter\((val|test)\).* (\S*mIoU)", out) == [
        ("val", "mIoU"),
        ("val", "student.mIoU"),
        ("test", "mIoU"),
    ]


def test_the_data_set_class_of_the_guide_finds_its_files(examples, monkeypatch):
    for kind, suffix in (("images", ".png"), ("labels", "_label.png")):
        for path in (examples / "data" / "mine" / kind / "val").iterdir():
            path.rename(path.with_name(path.stem + suffix))
    monkeypatch.syspath_prepend(examples)
    imports = re.search(
        r"```python\n(custom_imports = .*?)```",
        (REPOSITORY / "docs" / "guides" / "own_data.md").read_text(),
        re.S,
    )[1]
    try:
        # As a runner does before it builds anything.
        Config.fromstring(imports, ".py")
        dataset = DATASETS.build(
            dict(
                type="mmseg.MyDataset",
                data_root=str(examples / "data" / "mine"),
                data_prefix=dict(img_path="images/val", seg_map_path="labels/val"),
            )
        )
    finally:
        DATASETS.module_dict.pop("MyDataset", None)
        sys.modules.pop("my_dataset", None)
    assert len(dataset) == 3
    assert dataset.metainfo["classes"] == ("road", "vehicle", "other")
    labels = {Path(item["seg_map_path"]).name for item in dataset}
    assert labels == {"a_label.png", "b_label.png", "c_label.png"}


def snippet(start: str) -> str:
    """Read the configuration of the guide to terms that starts so."""
    text = (REPOSITORY / "docs" / "guides" / "terms.md").read_text()
    return re.search(rf"```python\n({start} = .*?)```", text, re.S)[1]


def test_the_guides_distiller_of_lsfd_is_that_of_our_configs():
    written = Config.fromstring(snippet("lfd"), ".py").lfd
    shipped = Config.fromfile(CONFIGS / f"lsfd_{TEACHER}_{STUDENT}").model.distiller
    assert {key: shipped[key] for key in written} == written


def test_the_guides_optimiser_of_a_critic_is_that_of_our_configs(tmp_path):
    path = tmp_path / "config.py"
    path.write_text(f'_base_ = "{CONFIGS / STUDENT}"\n{snippet("optim_wrapper")}')
    ours = CONFIGS / f"sstkd-adversarial_{TEACHER}_{STUDENT}"
    written, shipped = (Config.fromfile(p).optim_wrapper for p in (path, ours))
    assert written == shipped


def test_the_tutorial_runs_as_printed(run_printed, tmp_path):
    tracked = subprocess.run(
        ["git", "ls-files", "-z"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    for name in tracked.strip("\0").split("\0"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, tmp_path / name)
    for block in blocks("tutorial.md"):
        lines = [x for x in block.splitlines() if not x.startswith(ENVIRONMENT)]
        run_printed("\n".join(lines), tmp_path)
