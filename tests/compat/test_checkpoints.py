"""Checkpoints of MMEngine are read, and pickles with code in them are not."""

import io
import os
import pickle
import struct
from collections import OrderedDict

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import load_checkpoint
from mmengine.runner.checkpoint import _load_checkpoint
from torch import nn

from texture_kd.compat.checkpoints import NumericArray


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


def test_a_missing_file_keeps_mmengines_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        _load_checkpoint(str(tmp_path / "absent.pth"))


def test_numeric_arrays_take_numbers_of_the_right_length_only():
    state = np.arange(3.0).__reduce__()[2]
    with pytest.raises(pickle.UnpicklingError, match="dtype"):
        NumericArray().__setstate__(state)
