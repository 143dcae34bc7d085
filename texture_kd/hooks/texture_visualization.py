"""Draws during a training what teacher and student see."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from mmengine.dataset import pseudo_collate
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from numpy.typing import NDArray

from texture_kd.hooks.trained_network import unwrapped
from texture_kd.predicting_head import predicting_head
from texture_kd.visualization import contourlet_figure, statistics_figure
from texture_kd.visualization.picture import shown_picture
from texture_kd.visualization.segmentations import segmentations_figure

__all__ = ["TextureVisualizationHook"]

_DPI = 80


class TextureVisualizationHook(Hook):
    """Draw images of the validation data as teacher and student see them.

    .. code-block:: python

        custom_hooks = [dict(type="texture_kd.TextureVisualizationHook", interval=2000)]

    Three pictures an image go to the runner's visualizer, whose backends write them to
    files, TensorBoard or wherever: the predictions beside the truth; for each CDMLoss
    and each stage of a TextureLoss the contourlet subbands that it compares; for each
    DTIEMLoss its regions and their histograms. The networks are in evaluation mode for
    it, and the training goes on as if nothing had been drawn.

    Args:
        interval: iterations from one drawing to the next. The last one is drawn, too.
        indices: numbers of the images in the validation data set.

    Raises:
        ValueError: the interval is below 1; when a training starts, the model has no
            teacher and student, there are no validation data with classes and a
            palette, or they have no such image.
    """

    def __init__(self, interval: int = 1000, indices: Sequence[int] = (0,)) -> None:
        if interval < 1:
            raise ValueError(f"expected an interval of at least 1, got {interval}")
        self.interval = interval
        self.indices = tuple(indices)

    def before_train(self, runner: Runner) -> None:
        """See to it that there is something to draw."""
        if not hasattr(unwrapped(runner), "distiller"):
            raise ValueError(
                "TextureVisualizationHook draws teacher and student: leave it out of "
                "the training of a single network"
            )
        dataset = _dataset(runner)
        for index in self.indices:
            if not 0 <= index < len(dataset):
                raise ValueError(
                    f"TextureVisualizationHook has the image {index}, and the "
                    f"validation data have 0 to {len(dataset) - 1}"
                )

    def after_train_iter(self, runner: Runner, *_: object, **__: object) -> None:
        """Draw, if it is time."""
        due = self.every_n_train_iters(runner, self.interval)
        if due or self.is_last_train_iter(runner):
            self.draw(runner)

    @master_only
    def draw(self, runner: Runner) -> None:
        """Draw what there is to see now."""
        algorithm = unwrapped(runner)
        dataset = _dataset(runner)
        algorithm.eval()
        with torch.no_grad(), _own_random_numbers():
            for index in self.indices:
                for name, figure in _figures(algorithm, dataset[index], dataset):
                    runner.visualizer.add_image(
                        f"image{index}_{name}", _pixels(figure), runner.iter + 1
                    )
        algorithm.train()


@contextmanager
def _own_random_numbers() -> Iterator[None]:
    """Give back the random states that a data set's transforms draw from."""
    # OpenMMLab's draw from NumPy's old generator.
    python, numbers = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numbers)  # noqa: NPY002


def _dataset(runner: Runner):
    if runner.val_loop is None:
        raise ValueError(
            "TextureVisualizationHook draws validation images: give val_dataloader, "
            "val_cfg and val_evaluator"
        )
    dataset = runner.val_dataloader.dataset
    known = getattr(dataset, "metainfo", {})
    if not (known.get("classes") and known.get("palette")):
        raise ValueError(
            "TextureVisualizationHook draws segmentations, and the validation data "
            "have no classes or no palette: add metainfo=dict(classes=..., palette=...)"
        )
    return dataset


def _figures(algorithm: BaseModel, item: dict, dataset) -> Iterator[tuple[str, Figure]]:
    # They import MMRazor, which this package's hooks do without.
    from texture_kd.visualization.compared_features import compared_features
    from texture_kd.visualization.compared_statistics import compared_statistics

    data = algorithm.data_preprocessor(pseudo_collate([item]))
    picture = shown_picture(item["inputs"])
    predicted = {
        name: _classes(network(**data, mode="predict")[0].pred_sem_seg)
        for name, network in (
            ("student", algorithm.student),
            ("teacher", algorithm.teacher),
        )
    }
    truth = _classes(item["data_samples"].gt_sem_seg)
    # A class can be ignored, too.
    truth = np.where(truth == _ignored(algorithm.student), -1, truth)
    palette = dataset.metainfo["palette"]
    yield "predictions", segmentations_figure(picture, truth, predicted, palette)
    bands = compared_features(algorithm, data)
    if bands:
        yield "subbands", contourlet_figure(bands, picture=picture)
    statistics = compared_statistics(algorithm, data)
    if statistics:
        yield "statistics", statistics_figure(statistics, picture)


def _ignored(network: BaseModel) -> int | None:
    return getattr(predicting_head(network), "ignore_index", None)


def _classes(sample) -> NDArray[np.integer]:
    # A head of one channel decides in floating point.
    return sample.data.squeeze(0).long().cpu().numpy()


def _pixels(figure: Figure) -> NDArray[np.uint8]:
    figure.set_dpi(_DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
