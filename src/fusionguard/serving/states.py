"""The states of a service's models: each opened once."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing

from fusionguard.errors import StorageError, UsageError
from fusionguard.families.family import ModelFamily
from fusionguard.features.online.place import state_place
from fusionguard.features.online.state import OnlineState
from fusionguard.serving.prediction_log import Label
from fusionguard.serving.remembering import outcomes_of


class States:
    """Opens the states of a folder or a Redis.

    Parameters
    ----------
    where
        Which: None where a service has none.
    """

    def __init__(self, where: str | None) -> None:
        self._where = where
        self._open: dict[str, OnlineState] = {}

    def open(self, family: ModelFamily, spec: str) -> OnlineState | None:
        """Return the state that a family's models ask; None where they ask none. It goes on with what is built in its place.

        Models that are declared to score without theirs, too, do not wait for a Redis that is down.

        Parameters
        ----------
        spec
            How a user names the model.

        Raises
        ------
        UsageError
            Nothing says where it is.
        StorageError
            It is not there, is damaged, or is of another format.
        """
        if not family.features.past or family.declared is None:
            return None
        what = f"The models of {family.model} read what happened before each row"
        if self._where is None:
            remedy = "Set FUSIONGUARD_SERVE_STATE to the folder or the Redis that `fusionguard state build` writes."
            raise UsageError(f"{what}, and nothing says where that is.", remedy)
        place, lasting = state_place(self._where, family.declared.declaration), family.scores_without_history
        if not (lasting and place.shared) and not place.exists():
            remedy = f"Build it: fusionguard state build --model {spec} --history EARLIER_ROWS."
            raise StorageError(f"{what}, and there is no state of that at {place}.", remedy)
        if str(place) not in self._open:
            self._open[str(place)] = place.open(lazily=lasting)
        return self._open[str(place)]

    def close(self) -> None:
        """Give all of them back."""
        for state in self._open.values():
            state.close()


def tell_outcomes(where: str, family: ModelFamily, labels: Iterable[Label]) -> None:
    """Tell the state of a family's data set in a folder or a Redis, where there is one, what became of scored rows."""
    if not family.features.past or family.declared is None:
        return
    place = state_place(where, family.declared.declaration)
    if place.exists():
        with closing(place.open()) as state:
            if state.takes_outcomes:
                state.load(outcomes_of(labels))
