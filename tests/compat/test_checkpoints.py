"""Checkpoints of MMEngine are read, and pickles with code in them are not."""

import io
import os
import pickle
import re
import struct
from collections import OrderedDict
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.error import URLError

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import load_checkpoint, save_checkpoint
from mmengine.runner.checkpoint import _load_checkpoint
from torch import nn

from texture_kd.algorithms.teacher_checkpoint import read_teacher
from texture_kd.compat.checkpoints import explain_failures
from texture_kd.compat.stand_ins import NumericArray
from texture_kd.hooks import PlainStudentHook


@pytest.fixture
def checkpoint() -> dict:
    history = HistoryBuffer([1.0, 2.5], [1, 2])
    history.update(4.0)
    return dict(
        state_dict=nn.Linear(2, 3).state_dict(),
        message_hub=dict(
            log_scalars={"train/loss": history, "lr": HistoryBuffer()},
            runtime_info=dict(
                iter=7,
                best=np.float64(0.25),
                count=np.int64(3),
                flag=np.bool_(True),
                order=np.asfortranarray(np.arange(6.0).reshape(2, 3)),
                swapped=np.arange(3, dtype=">i4"),
                empty=np.zeros((0, 2), dtype=np.float16),
            ),
        ),
    )


def test_log_histories_survive(checkpoint, tmp_path):
    path = tmp_path / "iter_7.pth"
    torch.save(checkpoint, path)
    loaded = torch.load(path, weights_only=True)
    history = loaded["message_hub"]["log_scalars"]["train/loss"]
    assert type(history) is HistoryBuffer
    np.testing.assert_array_equal(history.data[0], [1.0, 2.5, 4.0])
    assert history.mean() == pytest.approx((1 + 2.5 + 4) / 4)
    history.update(5.0)
    assert history.max() == 5.0
    wanted = checkpoint["message_hub"]["runtime_info"]
    got = loaded["message_hub"]["runtime_info"]
    for name, value in wanted.items():
        np.testing.assert_array_equal(got[name], value)
        assert np.asarray(got[name]).dtype == np.asarray(value).dtype.newbyteorder("=")


def test_file_objects_are_read_from_where_they_stand(checkpoint):
    file = io.BytesIO()
    torch.save(checkpoint, file)
    for _ in range(2):
        file.seek(0)
        assert "message_hub" in torch.load(file)


def test_a_program_keeps_its_own_safe_globals(checkpoint, tmp_path):
    """Allowing a name twice would leave it to chance which of the two is taken."""
    torch.save(checkpoint, tmp_path / "iter_7.pth")
    torch.save(dict(array=np.arange(3.0)), tmp_path / "array.pth")
    multiarray = np._core.multiarray
    mine = [multiarray._reconstruct, np.ndarray, np.dtype, np.dtypes.Float64DType]
    with torch.serialization.safe_globals(mine):
        torch.load(tmp_path / "iter_7.pth")
        assert set(torch.serialization.get_safe_globals()) >= set(mine)
        array = torch.load(tmp_path / "array.pth")["array"]
    assert type(array) is np.ndarray
    allowed = torch.serialization.get_safe_globals()
    assert not [item for item in allowed if "texture_kd" in repr(item)]


def test_both_names_of_torch_load_are_mended():
    assert torch.load is torch.serialization.load


def test_what_was_read_is_saved_as_plain_numpy(checkpoint, tmp_path):
    torch.save(checkpoint, tmp_path / "first.pth")
    torch.save(torch.load(tmp_path / "first.pth"), tmp_path / "second.pth")
    content = (tmp_path / "second.pth").read_bytes()
    assert b"texture_kd" not in content
    again = torch.load(tmp_path / "second.pth", weights_only=False)
    assert type(again["message_hub"]["runtime_info"]["order"]) is np.ndarray


class RunsCode:
    """What a hostile checkpoint holds: a call, made when it is loaded."""

    def __init__(self, call, *args) -> None:
        self.call = (call, args)

    def __reduce__(self):
        return self.call


def forged(target) -> list:
    return [
        RunsCode(os.system, f"touch {target}"),
        RunsCode(eval, f"open({str(target)!r}, 'w')"),
        RunsCode(getattr, OrderedDict, "__subclasses__"),
        RunsCode(getattr, HistoryBuffer, "__init__"),
        RunsCode(np.ndarray, (1,), object, b"\x01" * 8),
        RunsCode(np.dtype, "O"),
        RunsCode(np.load, str(target)),
        np.array([target], dtype=object),
        np.zeros(1, dtype=[("name", "O")]),
    ]


@pytest.mark.parametrize("index", range(9))
def test_a_checkpoint_with_code_is_refused(index, tmp_path):
    target = tmp_path / "created"
    path = tmp_path / "hostile.pth"
    torch.save(dict(state_dict=forged(target)[index]), path)
    with pytest.raises(pickle.UnpicklingError):
        load_checkpoint(nn.Linear(2, 3), str(path))
    assert not target.exists()


def test_the_refusal_is_one_clear_sentence_about_the_file(tmp_path):
    path = tmp_path / "hostile.pth"
    torch.save(dict(state_dict=forged(tmp_path / "created")[0]), path)
    with pytest.raises(pickle.UnpicklingError, match=r"hostile\.pth was refused"):
        _load_checkpoint(str(path))


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"\x80\x02]q\x00.", struct.pack("<q", 8) * 40, b"PK\x03\x04cut"],
)
def test_a_file_that_is_no_checkpoint_is_named(content, tmp_path):
    path = tmp_path / "broken.pth"
    path.write_bytes(content)
    with pytest.raises(RuntimeError, match=r"broken\.pth cannot be read"):
        _load_checkpoint(str(path))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_checkpoint_is_named(share, checkpoint, tmp_path):
    path = tmp_path / "broken.pth"
    torch.save(checkpoint, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(RuntimeError, match=r"broken\.pth cannot be read"):
        _load_checkpoint(str(path))


@pytest.mark.parametrize("share", [cut / 10 for cut in range(1, 10)])
def test_a_truncated_checkpoint_of_any_size_is_named(share, tmp_path):
    """Some lengths make PyTorch seek before the start of the file."""
    path = tmp_path / "broken.pth"
    torch.save(dict(a=torch.randn(20_000), b=torch.ones(3)), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(RuntimeError, match=r"broken\.pth cannot be read"):
        _load_checkpoint(str(path))


def test_a_missing_file_keeps_mmengines_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        _load_checkpoint(str(tmp_path / "absent.pth"))


def test_numeric_arrays_take_numbers_of_the_right_length_only():
    state = np.arange(3.0).__reduce__()[2]
    with pytest.raises(pickle.UnpicklingError, match="dtype"):
        NumericArray().__setstate__(state)


def pickled(*parts: bytes) -> bytes:
    return b"\x80\x02" + b"".join(parts) + b"."


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def name(module: str, attribute: str) -> bytes:
    return f"c{module}\n{attribute}\n".encode()


def test_an_array_under_a_tensor_cannot_be_freed(tmp_path):
    """A tensor over an array that is filled again would read freed memory."""

    def state(length: int) -> bytes:
        dtype = name("numpy", "dtype") + text("f8") + b"\x89\x88\x87R"
        order = b"(" + number(3) + text("<") + b"NNN" + number(-1) * 2 + number(0)
        data = b"\x89" + text("A" * 8 * length)
        shape = number(1) + number(length) + b"\x85"
        return b"(" + shape + dtype + order + b"tb" + data + b"t"

    array = name("numpy._core.multiarray", "_reconstruct") + b"("
    array += name("numpy", "ndarray") + number(0) + b"\x85" + text("b") + b"tRq\x01"
    over = name("torch._utils", "_rebuild_device_tensor_from_numpy")
    over += b"(h\x01" + name("torch", "float64") + text("cpu") + b"\x89tR"
    content = pickled(
        b"(", array, state(100), b"b", over, b"h\x01", state(1), b"b", b"t"
    )
    path = tmp_path / "hostile.pth"
    writer = torch._C.PyTorchFileWriter(str(path))
    writer.write_record("data.pkl", content, len(content))
    writer.write_record("byteorder", b"little", 6)
    writer.write_end_of_file()
    with pytest.raises(pickle.UnpicklingError, match="filled twice"):
        torch.load(path, weights_only=True)


def test_a_sound_file_keeps_torchs_own_error(tmp_path):
    torch.save(dict(state_dict={}), tmp_path / "sound.pth")

    def load(filename, *args, **kwargs):
        raise RuntimeError("Attempting to deserialize object on a CUDA device")

    with pytest.raises(RuntimeError, match=r"^Attempting"):
        explain_failures(load)(str(tmp_path / "sound.pth"))


def test_what_is_no_local_file_keeps_its_own_error():
    with pytest.raises(KeyError, match="no_such_model"):
        _load_checkpoint("open-mmlab://no_such_model")


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """A machine without a network, and its folder of fetched files."""

    def refuse(*args, **options):
        raise URLError(OSError("Name or service not known"))

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setattr("torch.hub.urlopen", refuse)
    before = torch.hub._hub_dir
    torch.hub.set_dir(str(tmp_path))
    yield
    torch.hub._hub_dir = before


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("https://a.example/b/c-1234.pth?x=1", "https://a.example/b/c-1234.pth?x=1"),
        (
            "open-mmlab://resnet18_v1c",
            "https://download.openmmlab.com/pretrain/third_party/"
            "resnet18_v1c-b5776b93.pth",
        ),
        (
            "mmcls://mobilenet_v2",
            "https://download.openmmlab.com/mmclassification/v0/mobilenet_v2/"
            "mobilenet_v2_batch256_imagenet_20200708-3b2dc3af.pth",
        ),
        *(
            (
                f"{scheme}://resnet18",
                "https://download.pytorch.org/models/resnet18-f37072fd.pth",
            )
            for scheme in ("torchvision", "modelzoo")
        ),
    ],
)
def test_a_file_by_hand_is_where_an_offline_machine_is_told(
    offline, checkpoint, name, url
):
    with pytest.raises(ConnectionError, match="not known") as failure:
        _load_checkpoint(name)
    said = str(failure.value)
    assert "\n" not in said
    assert said.startswith(f"{name} cannot be fetched")
    assert f"put what is at {url} here by hand: " in said
    path = Path(said.rpartition(": ")[2])
    path.parent.mkdir(parents=True, exist_ok=True)
    checkpoint["state_dict"] = {"backbone.conv.weight": torch.ones(2)}
    torch.save(checkpoint, path)
    # Of MMClassification's the backbone alone is taken.
    (weight,) = _load_checkpoint(name)["state_dict"].values()
    assert torch.equal(weight, torch.ones(2))


@pytest.mark.parametrize("name", ["s3://b/c.pth", "a:petrel://b/c.pth", "pavi://b"])
def test_a_store_that_is_not_there_is_one_sentence_too(name):
    with pytest.raises(ConnectionError, match=r"Please install") as failure:
        _load_checkpoint(name)
    said = str(failure.value)
    assert said.startswith(f"{name} cannot be fetched (Please install ")
    assert said.endswith("). On a machine without a network give a file in its place.")
    with pytest.raises(
        ConnectionError, match=r"place\. The option is model\.teacher_ck"
    ):
        read_teacher(name)


def test_a_teacher_that_cannot_be_fetched_names_its_option(offline):
    with pytest.raises(ConnectionError, match=r"model\.teacher_ckpt=FILE\.$"):
        read_teacher("https://a.example/teacher.pth")


GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "offline.md"


def test_the_guides_sentence_is_what_is_said(offline, monkeypatch):
    shown = re.search(r"```text\n(.*?)```", GUIDE.read_text(), re.S)[1]
    monkeypatch.setattr("torch.hub.get_dir", lambda: "/home/me/.cache/torch/hub")
    with pytest.raises(ConnectionError) as failure:
        _load_checkpoint("open-mmlab://resnet18_v1c")
    cause = r"\(.*?\)"
    found, expected = (
        re.sub(cause, "()", " ".join(text.split()))
        for text in (str(failure.value), shown)
    )
    assert found == expected


def test_what_the_guide_fetches_is_there_without_a_network(
    checkpoint, tmp_path, monkeypatch
):
    served, cache = tmp_path / "served", tmp_path / "cache"
    served.mkdir()
    torch.save(checkpoint, served / "network.pth")
    handler = partial(QuietHandler, directory=str(served))
    fetch = re.search(r"<!-- fetch -->\n```python\n(.*?)```", GUIDE.read_text(), re.S)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(cache))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/network.pth"
        exec(fetch[1].replace("open-mmlab://resnet18_v1c", url), {})
        server.shutdown()
    assert (cache / "checkpoints" / "network.pth").is_file()
    weights = _load_checkpoint(url)["state_dict"]
    assert torch.equal(weights["weight"], checkpoint["state_dict"]["weight"])


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files, and writes no log."""

    def log_message(self, *unused: object) -> None:
        """Say nothing."""


def test_an_explicit_choice_of_all_globals_is_tried_once(tmp_path):
    calls = tmp_path / "calls"
    path = tmp_path / "trusted.pth"
    torch.save(RunsCode(append_and_fail, str(calls)), path)
    with pytest.raises(pickle.UnpicklingError, match="GLOBAL"):
        torch.load(path, weights_only=False)
    assert calls.read_text() == "x"


def append_and_fail(path: str) -> None:
    with open(path, "a") as file:
        file.write("x")
    raise pickle.UnpicklingError("GLOBAL")


def written(path: Path, *hooks) -> nn.Module:
    """Write a distillation's checkpoint, and return its student."""
    student = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    parts = nn.ModuleDict(
        dict(architecture=student, teacher=nn.Linear(2, 5), distiller=nn.Linear(3, 5))
    )
    checkpoint = dict(state_dict=parts.state_dict())
    for hook in hooks:
        hook.before_save_checkpoint(None, checkpoint)
    save_checkpoint(checkpoint, str(path))
    return student


@pytest.fixture
def distilled(tmp_path):
    path = tmp_path / "distilled.pth"
    return written(path, PlainStudentHook()), str(path)


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_plain_student_takes_a_distillation_in_silence(distilled, wrapped, capsys):
    student, path = distilled
    plain = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    target = nn.DataParallel(plain) if wrapped else plain
    load_checkpoint(target, path, map_location="cpu", strict=True)
    for name, value in student.state_dict().items():
        assert torch.equal(plain.state_dict()[name], value)
    assert "unexpected" not in capsys.readouterr().out


def test_what_is_no_students_is_named_as_ever(distilled, capsys):
    _, path = distilled
    other = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 3))
    load_checkpoint(other, path, map_location="cpu")
    said = capsys.readouterr().out
    assert "unexpected key" in said
    assert "architecture.0.weight" in said
    assert "missing keys" in said
    smaller = nn.Sequential(nn.Linear(2, 3))
    load_checkpoint(smaller, path, map_location="cpu")
    said = capsys.readouterr().out
    assert "1.weight" in said
    assert "architecture." not in said


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_student_is_taken_without_the_hook_and_one_line_says_so(
    tmp_path, wrapped, capsys
):
    student = written(tmp_path / "distilled.pth")
    plain = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    target = nn.DataParallel(plain) if wrapped else plain
    load_checkpoint(target, str(tmp_path / "distilled.pth"), "cpu", strict=True)
    for name, value in student.state_dict().items():
        assert torch.equal(plain.state_dict()[name], value)
    (said,) = [x for x in capsys.readouterr().out.splitlines() if "Loads" not in x]
    assert "its student is taken" in said
    assert "PlainStudentHook" in said


def test_layers_keep_their_versions(tmp_path):
    written(tmp_path / "distilled.pth")
    seen = []

    class Versioned(nn.Linear):
        def _load_from_state_dict(self, state, prefix, local_metadata, *others):
            seen.append(local_metadata.get("version"))
            super()._load_from_state_dict(state, prefix, local_metadata, *others)

    plain = nn.Sequential(Versioned(2, 3), nn.BatchNorm1d(3))
    load_checkpoint(plain, str(tmp_path / "distilled.pth"), "cpu", strict=True)
    assert seen == [1]
