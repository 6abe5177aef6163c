"""Which version had which alias, since when and why: a tag of the registered model for each move, which nothing ever changes.

Tags are kept by every kind of MLflow's store, outlive the versions they tell of, and each has a key of its own: two writers
neither wait for nor overwrite each other.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from fusionguard.errors import RegistryError
from fusionguard.home import Home
from fusionguard.registry.model_names import registered_name
from fusionguard.registry.stored import stored_model_tags
from fusionguard.registry.tracking import open_store, registry_errors

if TYPE_CHECKING:
    from mlflow import MlflowClient

_KEY = "alias_move"
_LONGEST_WHY = 1000
"""MLflow's databases may refuse a tag of more than 5,000 bytes."""


class AliasMove(BaseModel):
    """One move of an alias from a version to another."""

    model_config = ConfigDict(frozen=True)  # a later FusionGuard may have kept more

    alias: str
    at: datetime
    """UTC."""
    before: int | None
    """The version it pointed at; null where it was new."""
    after: int
    by: str
    """The operating system's name of the user."""
    run: str = ""
    """The run that moved it, by ZenML's name; empty where none did."""
    command: str
    why: str


def keep_move(client: MlflowClient, name: str, move: AliasMove) -> str:
    """Write the record of a move to the registered model ``name``, and return its key."""
    key = f"{_KEY}.{move.at:%Y-%m-%dT%H:%M:%S.%fZ}.{move.alias}.{secrets.token_hex(3)}"
    shortened = move.why if len(move.why) <= _LONGEST_WHY else move.why[:_LONGEST_WHY].rstrip() + "..."
    client.set_registered_model_tag(name, key, move.model_copy(update={"why": shortened}).model_dump_json())
    return key


def list_moves(home: Home, model: str) -> list[AliasMove]:
    """Return every move of a model's aliases that was kept, oldest first; raises :class:`RegistryError`."""
    name = registered_name(model)
    tags = stored_model_tags(home, name)
    if tags is None:
        client = open_store(home)
        with registry_errors(home.mlflow_uri):
            found = client.search_registered_models(filter_string=f"name = '{name}'")
        tags = found[0].tags if found else {}
    return _moves(name, tags)


def _moves(name: str, tags: Mapping[str, str]) -> list[AliasMove]:
    moves = []
    for key, text in sorted(tags.items()):
        if key.startswith(f"{_KEY}."):
            try:
                moves.append(AliasMove.model_validate_json(text))
            except ValidationError as error:
                raise RegistryError(
                    f"The tag '{key}' of '{name}' is no record of FusionGuard's.",
                    "Somebody changed it: mend or delete it.",
                ) from error
    return moves
