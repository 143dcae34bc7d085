"""Label files that would be read as something else are named."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from mmengine.dataset import ConcatDataset, RepeatDataset
from mmseg.datasets import BaseSegDataset
from mmseg.datasets.transforms import LoadAnnotations
from PIL import Image

from texture_kd.datasets.label_files import check_label_files, label_file_with_palette
from texture_kd.hooks import NumClassesCheckHook

CLASSES = dict(classes=("a", "b", "c"))


@pytest.fixture
def data(tmp_path):
    """A data set of forty images, of which the last has another label file."""

    def build(write, count=40, load="LoadAnnotations", **options):
        for folder in ("img", "ann"):
            (tmp_path / folder).mkdir()
        for number in range(count):
            name = f"{number:02}"
            blank = np.zeros((8, 8, 3), np.uint8)
            cv2.imwrite(str(tmp_path / "img" / f"{name}.jpg"), blank)
            label = tmp_path / "ann" / f"{name}.png"
            cv2.imwrite(str(label), blank[..., 0])
        write(label)
        return BaseSegDataset(
            data_root=str(tmp_path),
            data_prefix=dict(img_path="img", seg_map_path="ann"),
            metainfo=CLASSES,
            pipeline=[dict(type=load, **options)],
            lazy_init=False,
        )

    return build


@pytest.fixture(autouse=True)
def everywhere(mmsegs_scope):
    pass


def grey(path):
    cv2.imwrite(str(path), np.full((8, 8, 3), 2, np.uint8))


def coloured(path):
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[..., 1] = 200
    cv2.imwrite(str(path), picture)


def deep(path):
    cv2.imwrite(str(path), np.full((8, 8), 258, np.uint16))


def deep_but_small(path):
    cv2.imwrite(str(path), np.full((8, 8), 2, np.uint16))


def palette(path):
    image = Image.fromarray(np.full((8, 8), 2, np.uint8)).convert("P")
    image.save(path)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (grey, r"39\.png .* shape \(8, 8, 3\).*equal, and so save one of them"),
        (coloured, r"39\.png .* shape \(8, 8, 3\).*class of each colour"),
        (deep, r"39\.png holds 258 to 258 in \w*16, .*8 bits"),
    ],
)
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: RepeatDataset(x, 2)])
def test_they_are_refused(data, write, message, wrap):
    with pytest.raises(ValueError, match=message):
        check_label_files(wrap(data(write)))


@pytest.mark.parametrize("write", [deep_but_small, palette, lambda path: None])
def test_others_are_not(data, write):
    check_label_files(data(write))


def test_files_that_cannot_be_read_are_left_to_the_pipeline(data):
    check_label_files(data(lambda path: path.unlink()))


def test_a_broken_file_is_left_to_the_pipeline(data):
    check_label_files(data(lambda path: path.write_bytes(b"nothing")))


def test_what_reads_them_otherwise_is_left_alone(data):
    dataset = data(deep)
    (load,) = dataset.pipeline.transforms

    class Own(LoadAnnotations):
        pass

    load.__class__ = Own
    check_label_files(dataset)
    check_label_files(None)
    check_label_files([1, 2])


def test_the_hook_looks_at_both_data_sets(data):
    def runner(train, val):
        loader = SimpleNamespace(dataset=val)
        return SimpleNamespace(
            model=SimpleNamespace(),
            train_dataloader=SimpleNamespace(dataset=train),
            val_loop=SimpleNamespace(dataloader=loader),
        )

    wrong = data(grey)
    for given in ((wrong, [1]), ([1], ConcatDataset([wrong, wrong]))):
        with pytest.raises(ValueError, match=r"label file .*39\.png"):
            NumClassesCheckHook().before_train(runner(*given))


def test_a_palette_is_found(data):
    dataset = data(palette)
    assert label_file_with_palette(dataset).endswith("39.png")
    assert label_file_with_palette(ConcatDataset([dataset])).endswith("39.png")


def test_no_palette(data):
    assert label_file_with_palette(data(grey)) is None
