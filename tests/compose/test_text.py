"""Text of configs: MMEngine reads back what was written."""

from mmengine.config import Config

from texture_kd.compose.text import config_text

VALUES = dict(
    pipeline=[dict(type="Load"), dict(type="Crop", size=(128, 256), only=(1,))],
    loader=dict(batch_size=2, pipeline=[dict(type="Load"), dict(type="Crop")]),
    classes=("Straße", 'a "b"', "c\\d", "new\nline"),
    empty=dict(a=(), b=[], c={}, d=None, e=True, f=-1e-5, g=float("inf")),
    odd={"custom_keys": {"head.": dict(lr_mult=10.0), "class": 1}, "x": [[1], (2, 3)]},
)


def read(text, folder):
    path = folder / "config.py"
    path.write_text(text, encoding="utf-8")
    return Config.fromfile(path).to_dict()


def test_what_is_written_is_read(tmp_path):
    assert read(config_text(VALUES, "What it is"), tmp_path) == VALUES


def test_a_value_that_stands_above_goes_by_its_name(tmp_path):
    pipeline = VALUES["pipeline"]
    values = dict(pipeline=pipeline, loader=dict(pipeline=pipeline), test=pipeline)
    text = config_text(values, "Title\n\n  command")
    assert text.startswith("# Title\n#\n#   command\npipeline = [")
    assert "loader = dict(pipeline=pipeline)\ntest = pipeline\n" in text
    assert read(text, tmp_path) == values


def test_values_that_are_equal_and_not_the_same(tmp_path):
    values = dict(a=[1, 1], b=[True, True], c=[1.0, 1.0])
    assert str(read(config_text(values, ""), tmp_path)) == str(values)


def test_lines_are_short_and_values_that_fit_stand_in_one():
    text = config_text(dict(loader=dict(a=["x" * 30] * 4, b=dict(c=1))), "")
    assert max(map(len, text.splitlines())) <= 88
    assert "    b=dict(c=1),\n" in text
