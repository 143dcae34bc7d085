"""What is wrong with a training, with the stage in which it shows."""

import traceback

from texture_kd.analysis.sentences import sentence
from texture_kd.faults import Faults

__all__ = ["StageFaults"]


class StageFaults(Faults):
    """Faults in sentences that say where they were raised.

    What a network or a data set raises in a training it raises in a validation too:
    that is told once.
    """

    def __init__(self) -> None:
        super().__init__()
        self._places: set[tuple] = set()

    def ran(self, stage: str, error: BaseException) -> None:
        """Tell what a stage that runs the network has raised.

        Args:
            stage: its name.
            error: it is left out where an earlier stage raised its kind at its place.
        """
        frames = traceback.extract_tb(error.__traceback__)
        place = (type(error), *frames[-1][:2]) if frames else (type(error), str(error))
        if place not in self._places:
            self._places.add(place)
            self._add(f"{stage}: {sentence(error)}", error)

    def _words(self, error: BaseException) -> str:
        return sentence(error)
