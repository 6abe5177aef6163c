"""ZenML's cache, where files of an earlier result may be gone: such a step runs again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zenml.models import StepRunResponse


@contextmanager
def only_whole_results() -> Iterator[None]:
    """Let ZenML's cache offer results only whose files are on this disk (or in a store elsewhere, which nothing here empties).

    ZenML asks its database alone, and a step that reads what is gone would fail. What is offered is marked as in use, so that a
    clean-up that runs beside does not take it away.
    """
    from zenml.orchestrators import cache_utils

    find = cache_utils.get_cached_step_run

    def find_whole(cache_key: str) -> StepRunResponse | None:
        found = find(cache_key)
        return found if found is not None and all(_mark(output.uri) for output in _outputs(found)) else None

    cache_utils.get_cached_step_run = find_whole
    try:
        yield
    finally:
        cache_utils.get_cached_step_run = find


def _outputs(step: StepRunResponse) -> Iterator[object]:
    for versions in step.outputs.values():
        yield from versions


def _mark(uri: str) -> bool:
    """Tell whether an output is there, and note that it is in use."""
    if "://" in uri:
        return True
    try:
        os.utime(uri)
    except FileNotFoundError:
        return False
    except PermissionError:
        pass  # a reader of somebody else's store
    return any(Path(uri).iterdir())
