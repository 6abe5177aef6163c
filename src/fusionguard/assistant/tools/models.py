"""The models that the scoring service answers with, opened here, so that nothing the assistant asks is logged as traffic."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionguard.assistant.tools.rows import checked_row
from fusionguard.errors import BundleError, RegistryError, UnknownChoiceError
from fusionguard.home import Home

if TYPE_CHECKING:
    from fusionguard.families.online import Contributions, OnlineModel
    from fusionguard.serving.states import States

_ASKED = "asked here"
"""How a state is told who asks for the past of a row: under this name, nothing is ever recorded."""


class ScoringModels:
    """Opens a model at its first use, and anew when the release has changed.

    It is the release's model where there is one, else the registry's champion. A call of the running service would not do: the
    service notes every row that it scores or explains, and monitoring would take the assistant's questions for customers.
    """

    def __init__(self, home: Home, release: Path) -> None:
        self._home, self._release = home, release
        self._lock = threading.Lock()
        self._states: States | None = None
        self._open: dict[str, tuple[object, OnlineModel]] = {}

    def engine(self, name: str) -> OnlineModel:
        """Return the model of a name.

        Raises
        ------
        RegistryError, BundleError
            There is none, or it is damaged.
        """
        with self._lock:
            state = self._state()
            known = self._open.get(name)
            if known is None or known[0] != state:
                known = self._open[name] = (state, self._load(name))
            return known[1]

    def explain(self, name: str, row: Mapping[str, Any]) -> Contributions:
        """Check, score and explain a row by the model of a name; what happened before it is looked up, and nothing recorded.

        Raises
        ------
        RegistryError, BundleError
            There is no model, or it is damaged.
        StorageError
            It reads what happened before each row, and a service's state of that is not here.
        UsageError, DataError
            It is no row of the data set.
        """
        from fusionguard.families.of_bundle import family_of  # libraries that take seconds to import
        from fusionguard.serving.remembering import named_event
        from fusionguard.serving.states import States

        engine = self.engine(name)
        family = family_of(engine.bundle)
        checked = checked_row(family, row)
        if checked.event is None:
            return engine.explain(checked.values)
        with self._lock:
            self._states = self._states or States(self._home.online)
            state = self._states.open(family, f"{name}@champion")
        if state is None:
            return engine.explain(checked.values)
        found = state.peek(named_event(checked.event, None, _ASKED, 0)).values
        return engine.explain([*checked.values, *(found[each] for each in family.features.past)])

    def _state(self) -> object:
        try:
            found = self._release.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino, found.st_mtime_ns

    def _load(self, name: str) -> OnlineModel:
        from fusionguard.families.of_bundle import family_of
        from fusionguard.models.bundle import Bundle  # libraries that take seconds to import
        from fusionguard.registry.aliases import resolve_bundle
        from fusionguard.registry.model_names import how_to_train
        from fusionguard.serving.release import check_release

        if self._release.is_dir():
            for about in check_release(self._release).models:
                if (about.model, about.role) == (name, "champion"):
                    bundle = Bundle(self._release / about.folder)
                    return family_of(bundle).open_online(bundle)
        try:
            bundle = resolve_bundle(self._home, f"{name}@champion")
        except (RegistryError, UnknownChoiceError) as error:
            told = f"There is no {name} model to score with."
            remedy = f"Train one first: {how_to_train(name)}, or write a release: fusionguard release."
            raise BundleError(told, remedy) from error
        return family_of(bundle).open_online(bundle)
