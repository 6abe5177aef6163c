"""The states of a service's models: open once, for as long as their files stay where they are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fusionguard.datasets.history import memories
from fusionguard.errors import StorageError, UsageError
from fusionguard.families.family import ModelFamily
from fusionguard.features.online.place import state_file
from fusionguard.features.online.sqlite_state import SqliteState
from fusionguard.serving.prediction_log import Label
from fusionguard.serving.remembering import outcomes_of


class States:
    """Opens the states in a folder; None where a service has none."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._open: dict[Path, tuple[tuple[int, int], SqliteState]] = {}
        self._replaced: list[SqliteState] = []

    def open(self, family: ModelFamily, spec: str) -> SqliteState | None:
        """Return the state that a family's models ask, the open one where its file is the same; None where they ask none.

        Parameters
        ----------
        spec
            How a user names the model.

        Raises
        ------
        UsageError
            There is no folder.
        StorageError
            The file is not there, is damaged, or is of another format.
        """
        if not family.features.past or family.declared is None:
            return None
        declaration = family.declared.declaration
        what = f"The models of {family.model} read what happened before each row"
        if self._folder is None:
            remedy = "Set FUSIONGUARD_SERVE_STATE to the folder that `fusionguard state build` writes."
            raise UsageError(f"{what}, and no folder says it.", remedy)
        path = state_file(self._folder, declaration)
        try:
            found = path.stat()
        except OSError as error:
            remedy = f"Build it: fusionguard state build --model {spec} --history EARLIER_ROWS."
            raise StorageError(f"{what}, and there is no state of that at {path}.", remedy) from error
        inode, held = (found.st_dev, found.st_ino), self._open.get(path)
        if held is not None and held[0] == inode:
            return held[1]
        opened = SqliteState(path, memories(declaration))
        if held is not None:
            self._replaced.append(held[1])  # requests at work still hold it
        self._open[path] = (inode, opened)
        return opened

    def close(self) -> None:
        """Give all files back."""
        for state in (*self._replaced, *(state for _, state in self._open.values())):
            state.close()


def tell_outcomes(folder: Path, family: ModelFamily, labels: Iterable[Label]) -> None:
    """Tell the state of a family's data set in a folder, where there is one, what became of scored rows."""
    if not family.features.past or family.declared is None:
        return
    path = state_file(folder, family.declared.declaration)
    if path.exists():
        state = SqliteState(path, memories(family.declared.declaration))
        try:
            if state.takes_outcomes:
                state.load(outcomes_of(labels))
        finally:
            state.close()
