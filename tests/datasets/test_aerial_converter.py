import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import warm
from PIL import Image

from texture_kd.datasets import AerialDataset

TOOL = Path(__file__).parents[2] / "tools" / "dataset_converters" / "aerial.py"
# As they are published, in the order of the labels; the last two are ignored.
COLOURS = ("8429F6", "E2A929", "3C1098", "FEDD3A", "6EC1E4", "9B9B9B", "000000")
LABELS = np.array([0, 1, 2, 3, 4, 255, 255], np.uint8)
RGB = np.array([list(bytes.fromhex(colour)) for colour in COLOURS], np.uint8)
SIZES = {"Tile 1": (30, 40), "Tile 2": (16, 47)}
SIDE = 16


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(TOOL.parent)
    return importlib.import_module("aerial")


@pytest.fixture
def aerial(tmp_path: Path) -> Path:
    """Five parts of two tiles; the masks of the second have palettes, all unlike."""
    root, rng = tmp_path / "published", np.random.default_rng(0)
    for tile, size in SIZES.items():
        for part in (1, 6, 7, 8, 9):
            image = rng.integers(256, size=(*size, 3), dtype=np.uint8)
            save(image_path(root, tile, part), Image.fromarray(image))
            index = rng.integers(len(RGB), size=size)
            mask = Image.fromarray(RGB[index])
            if tile == "Tile 2":
                mask = with_palette(mask, rng)
            save(mask_path(root, tile, part), mask)
    (root / "classes.json").write_text('{"classes": [{"color": "#50E3C2"}]}')
    return root


def image_path(root: Path, tile: str = "Tile 1", part: int = 7) -> Path:
    return root / tile / "images" / f"image_part_{part:03d}.jpg"


def mask_path(root: Path, tile: str = "Tile 1", part: int = 7) -> Path:
    return root / tile / "masks" / f"image_part_{part:03d}.png"


def save(path: Path, image: Image.Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def with_palette(mask: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The same colours under indices in another order."""
    order = rng.permutation(len(RGB))
    palette = Image.new("P", (1, 1))
    palette.putpalette(RGB[order].ravel().tolist())
    indexed = mask.convert("RGB").quantize(palette=palette, dither=Image.Dither.NONE)
    assert indexed.mode == "P"
    assert np.array_equal(indexed.convert("RGB"), mask.convert("RGB"))
    return indexed


def contents(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def pixels(path: Path) -> np.ndarray:
    return np.array(Image.open(path))


def label_of(path: Path) -> np.ndarray:
    """The labels of a whole mask, colour by colour."""
    same = (np.array(Image.open(path).convert("RGB"))[..., None, :] == RGB).all(-1)
    return LABELS[same.argmax(-1)]


def test_the_command_and_what_the_data_set_reads(aerial, tmp_path):
    out = tmp_path / "new" / "aerial"
    command = [sys.executable, TOOL, aerial, "--out-dir", out, "--tile-size", str(SIDE)]
    result = warm.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    for split, parts in (("train", (1, 6)), ("val", (7,)), ("test", (8, 9))):
        labels = [label_of(mask_path(aerial, t, p)) for t in SIZES for p in parts]
        labels = np.concatenate([label.ravel() for label in labels])
        shares = [f"{100 * (labels == v).mean():.2f}" for v in (0, 1, 2, 3, 4, 255)]
        # 2x3 and 1x3 tiles an image.
        row = [split, str(2 * len(parts)), str(9 * len(parts)), *shares]
        assert f"| {' | '.join(row)} |" in result.stdout
        dataset = AerialDataset(
            data_root=str(out),
            data_prefix=dict(
                img_path=f"images/{split}", seg_map_path=f"labels/{split}"
            ),
            pipeline=[dict(type="LoadImageFromFile"), dict(type="LoadAnnotations")],
        )
        assert len(dataset) == 9 * len(parts)
        assert set(np.unique(dataset[0]["gt_seg_map"])) <= {0, 1, 2, 3, 4, 255}
    assert [path.name for path in out.parent.iterdir()] == ["aerial"]

    again = warm.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert again.stderr == (
        f"error: {out} exists: choose another --out-dir or move it away\n"
    )


def test_colours_are_those_of_the_data_set():
    assert [tuple(c) for c in AerialDataset.METAINFO["palette"]] == [
        tuple(c) for c in RGB[:5].tolist()
    ]


@pytest.mark.parametrize("side", [1000, 40, SIDE, 7])
def test_every_pixel_is_there_and_counts_once_where_it_is_measured(
    tool, aerial, tmp_path, side
):
    tool.convert(aerial, tmp_path / "out", side)
    for tile, (height, width) in SIZES.items():
        for part, split in ((1, "train"), (7, "val"), (9, "test")):
            image = pixels(image_path(aerial, tile, part))
            label = label_of(mask_path(aerial, tile, part))
            stem = f"{tile.lower().replace(' ', '')}_part_{part:03d}"
            times = np.zeros(label.shape, int)
            shown = np.zeros(label.shape, int)
            for path in (tmp_path / "out/images" / split).glob(f"{stem}__*"):
                x, y = map(int, path.stem.split("__")[1:])
                ours = pixels(tmp_path / "out/labels" / split / path.name)
                assert ours.shape == (min(side, height), min(side, width))
                crop = np.s_[y : y + side, x : x + side]
                np.testing.assert_array_equal(pixels(path), image[crop])
                kept = ours == label[crop]
                # What differs is left to another tile.
                assert (ours[~kept] == 255).all()
                assert kept.all() or split != "train"
                times[crop] += (ours != 255) & kept
                shown[crop] += 1
            assert shown.min() == 1
            expected = shown if split == "train" else 1
            np.testing.assert_array_equal(times, (label != 255) * expected)


def test_palettes_in_another_order_change_no_byte(tool, aerial, tmp_path):
    tool.convert(aerial, tmp_path / "first", SIDE)
    rng = np.random.default_rng(1)
    for mask in sorted(aerial.glob("*/masks/*")):
        with Image.open(mask) as file:
            shuffled = with_palette(file, rng)
        shuffled.save(mask)
    tool.convert(aerial, tmp_path / "second", SIDE)
    assert contents(tmp_path / "first") == contents(tmp_path / "second")


def test_opaque_alpha_changes_no_byte(tool, aerial, tmp_path):
    tool.convert(aerial, tmp_path / "first", SIDE)
    mask = mask_path(aerial, "Tile 2")
    with Image.open(mask) as file:
        changed = file.convert("RGBA")
    changed.save(mask)
    tool.convert(aerial, tmp_path / "second", SIDE)
    assert contents(tmp_path / "first") == contents(tmp_path / "second")


def test_a_grey_image_has_three_equal_channels(tool, aerial, tmp_path):
    path = image_path(aerial)
    with Image.open(path) as file:
        grey = file.convert("L")
    grey.save(path)
    tool.convert(aerial, tmp_path / "out", SIDE)
    found = pixels(tmp_path / "out/images/val/tile1_part_007__0__0.png")
    np.testing.assert_array_equal(
        found, np.repeat(pixels(path)[:SIDE, :SIDE, None], 3, 2)
    )


def test_hidden_files_are_passed_over(tool, aerial, tmp_path):
    (aerial / "Tile 1" / "images" / "._image_part_007.jpg").write_bytes(b"x")
    assert tool.convert(aerial, tmp_path / "out", SIDE)["val"].images == 2


def test_splits_without_images_are_not_there(tool, aerial, tmp_path):
    for tile in SIZES:
        for part in (8, 9):
            image_path(aerial, tile, part).unlink()
            mask_path(aerial, tile, part).unlink()
    assert list(tool.convert(aerial, tmp_path / "out", SIDE)) == ["train", "val"]


def strange_colours(root: Path) -> None:
    mask = pixels(mask_path(root))
    mask[2, 5:9] = (0x12, 0x34, 0x56)
    mask[1, 30] = (0x84, 0x29, 0xF7)
    Image.fromarray(mask).save(mask_path(root))


def transparent(root: Path) -> None:
    image = Image.open(mask_path(root)).convert("RGBA")
    image.putpixel((3, 3), (0, 0, 0, 0))
    image.save(mask_path(root))


def labels_for_colours(root: Path) -> None:
    Image.fromarray(np.full((30, 40), 2, np.uint8)).save(mask_path(root))


def sixteen_bits(root: Path) -> None:
    Image.fromarray(np.full((30, 40), 2, np.uint16)).save(mask_path(root))


def cut_short(root: Path) -> None:
    path = image_path(root)
    path.write_bytes(path.read_bytes()[:400])


def emptied(root: Path) -> None:
    for path in root.rglob("image_part_*"):
        path.unlink()


def moved(root: Path) -> None:
    root.rename(root.with_name("elsewhere"))


def renamed(root: Path) -> None:
    for path in (image_path(root), mask_path(root)):
        path.rename(path.with_stem("image_part_010"))


MISTAKES = {
    "strange colours": (
        strange_colours,
        r"masks/image_part_007.png has 5 pixels of 2 colours .*: 123456 4 times, "
        r"first at x=5 y=2; 8429F7 1 times, first at x=30 y=1 \(classes are 8429F6, ",
    ),
    "transparent": (transparent, r"Tile 1/masks/image_part_007.png has transparent"),
    "labels": (
        labels_for_colours,
        r"Tile 1/masks/image_part_007.png has 1200 pixels .*: 020202 1200 times",
    ),
    "16 bits": (sixteen_bits, r"masks/image_part_007.png should have 8-bit.*I;16"),
    "sizes": (
        lambda root: Image.new("RGB", (39, 30)).save(mask_path(root)),
        r"Tile 1/masks/image_part_007.png should be of 40x30 pixels.* of 39x30$",
    ),
    "no mask": (
        lambda root: mask_path(root).unlink(),
        r"Tile 1/masks lacks 1 files that .*Tile 1/images has: image_part_007.jpg$",
    ),
    "no image": (
        lambda root: image_path(root).unlink(),
        r"Tile 1/images lacks 1 files that .*Tile 1/masks has: image_part_007.png$",
    ),
    "no folder of masks": (
        lambda root: (root / "Tile 2" / "masks").rename(root / "masks"),
        r"Tile 2/masks does not exist: SRC should be the folder with `Tile 1`",
    ),
    "no files": (emptied, r"Tile 1/images holds no JPG files$"),
    "no folder": (moved, r"published has no folder `Tile 1`: SRC should be"),
    "another part": (renamed, r"images/image_part_010.jpg should be named image_part"),
    "no image inside": (
        lambda root: image_path(root).write_text("not found"),
        r"Tile 1/images/image_part_007.jpg is no image that can be read",
    ),
    "half an image": (cut_short, r"Tile 1/images/image_part_007.jpg is no image"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_and_writes_nothing(
    tool, aerial, tmp_path, monkeypatch, mistake
):
    change, message = MISTAKES[mistake]
    change(aerial)
    out = tmp_path / "data" / "aerial"
    monkeypatch.setattr(sys, "argv", ["aerial.py", str(aerial), "--out-dir", str(out)])
    with pytest.raises(SystemExit) as stopped:
        tool.main()
    (line,) = str(stopped.value).splitlines()
    assert re.search(message, line), line
    assert not list((tmp_path / "data").glob("*"))


def test_what_is_there_is_left_alone(tool, aerial, tmp_path):
    mine = tmp_path / "out" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(FileExistsError, match=r"out exists: choose another"):
        tool.convert(aerial, tmp_path / "out", SIDE)
    assert contents(tmp_path / "out") == {"mine.txt": b"mine"}


def test_tiles_without_a_side(tool, aerial, tmp_path):
    with pytest.raises(ValueError, match="side of at least 1 pixel, got 0"):
        tool.convert(aerial, tmp_path / "out", 0)
