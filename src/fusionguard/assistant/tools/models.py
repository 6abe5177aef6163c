"""The models that the scoring service answers with, opened here, so that nothing the assistant asks is logged as traffic."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from fusionguard.errors import BundleError, RegistryError, UnknownChoiceError, UsageError
from fusionguard.home import Home

if TYPE_CHECKING:
    from fusionguard.families.family import ModelFamily
    from fusionguard.families.online import OnlineModel
    from fusionguard.models.bundle import Bundle


class ScoringModels:
    """Opens a model at its first use, and anew when the release has changed.

    It is the release's model where there is one, else the registry's champion. A call of the running service would not do: the
    service notes every row that it scores or explains, and monitoring would take the assistant's questions for customers.
    """

    def __init__(self, home: Home, release: Path) -> None:
        self._home, self._release = home, release
        self._lock = threading.Lock()
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
                    return _open(family_of(bundle), bundle)
        try:
            bundle = resolve_bundle(self._home, f"{name}@champion")
        except (RegistryError, UnknownChoiceError) as error:
            told = f"There is no {name} model to score with."
            remedy = f"Train one first: {how_to_train(name)}, or write a release: fusionguard release."
            raise BundleError(told, remedy) from error
        return _open(family_of(bundle), bundle)


def _open(family: ModelFamily, bundle: Bundle) -> OnlineModel:
    if family.features.past:
        raise UsageError(
            f"The models of {family.model} read what happened before each row, which only a service looks up.",
            f"Ask it: POST /v1/{family.model}/score.",
        )
    return family.open_online(bundle)
