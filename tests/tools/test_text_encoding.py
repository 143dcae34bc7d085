"""Text is UTF-8 wherever it is read or written, whatever the locale's encoding is."""

import ast
import io
import runpy
from pathlib import Path

import pytest
from mmengine.config import Config
from torch import nn

REPOSITORY = Path(__file__).parents[2]
SOURCES = [
    REPOSITORY / "setup.py",
    *(REPOSITORY / "texture_kd").rglob("*.py"),
    *(REPOSITORY / "tools").rglob("*.py"),
]
# Where the mode is among the arguments.
OPENING = {"open": 1, ".open": 0, "NamedTemporaryFile": 0, "fdopen": 1}


def without_encoding(call: ast.Call) -> bool:
    """Tell whether a call reads or writes text in the encoding of the locale."""
    attribute = isinstance(call.func, ast.Attribute)
    name = call.func.attr if attribute else getattr(call.func, "id", "")
    if any(keyword.arg == "encoding" for keyword in call.keywords):
        return False
    if name in ("read_text", "write_text"):
        return True
    if getattr(getattr(call.func, "value", None), "id", "") in ("Image", "os"):
        return False
    name = ".open" if attribute and name == "open" else name
    if name not in OPENING:
        return False
    given = [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
    mode = [*given, *call.args[OPENING[name] :][:1], ast.Constant("r")][0]
    return not (isinstance(mode, ast.Constant) and "b" in mode.value)


def test_each_file_of_text_is_opened_as_utf_8():
    found = [
        f"{path.relative_to(REPOSITORY)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call) and without_encoding(node)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("path.read_text()", True),
        ("path.read_text(encoding='utf-8')", False),
        ("path.open('ab')", False),
        ("path.open('a')", True),
        ("open(path)", True),
        ("open(path, mode='rb')", False),
        ("Image.open(path)", False),
    ],
)
def test_what_is_looked_for(code, expected):
    assert without_encoding(ast.parse(code).body[0].value) is expected


def test_an_exported_config_is_read_by_mmengine(tmp_path, monkeypatch):
    """With classes that a Western Windows writes in bytes of its own."""
    monkeypatch.setattr(io, "text_encoding", lambda given, *_: given or "cp1252")
    tool = runpy.run_path(str(REPOSITORY / "tools" / "export_student.py"))
    config = Config(dict(model=dict(type="EncoderDecoder"), classes=("Straße", "Öl")))
    checkpoint = dict(meta=dict(dataset_meta=dict(classes=("Straße",))))
    out = tmp_path / "student.pth"
    tool["write_checkpoint"](nn.Identity(), config, checkpoint, out)
    assert Config.fromfile(out.with_suffix(".py")).classes == ("Straße", "Öl")
    # It is one that may be written over.
    tool["refuse_to_overwrite"]("absent.pth", out)
