"""What the assistant knows, brought up to date."""

from __future__ import annotations

import logging
from typing import Annotated

from pydantic import BaseModel, ConfigDict
from zenml import step

from fusionguard.errors import FusionGuardError
from fusionguard.home import find_home

_log = logging.getLogger(__name__)


class IndexUpdate(BaseModel):
    """What became of the index; ``failure`` says why it is still the old one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    passages: int | None = None
    added: int = 0
    refused: tuple[str, ...] = ()
    """File and kind, never the thing itself."""
    notes: tuple[str, ...] = ()
    failure: str = ""


@step(enable_cache=False)
def update_index() -> Annotated[IndexUpdate, "{pipeline}_index"]:
    """Let the assistant know of this run. A model is no worse for an index that cannot be written: that is told, and no more."""
    from fusionguard.assistant.index import build_index

    try:
        report = build_index(find_home(), embed="if begun")
    except (FusionGuardError, OSError) as error:
        _log.warning("The assistant does not know of this run: %s", error)
        return IndexUpdate(failure=str(error))
    for refused in report.refused:
        _log.warning("The assistant refuses '%s' of %s: it holds a %s", refused.heading, refused.file, refused.kind)
    return IndexUpdate(
        passages=report.passages,
        added=report.added,
        refused=tuple(f"{refused.file}: {refused.kind}" for refused in report.refused),
        notes=report.notes,
    )
