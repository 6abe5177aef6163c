"""What models are called: a family's name for the data set that ships for it, else the data set's own; and which there are."""

from __future__ import annotations

import re

from fusionguard.datasets.shipped import declared_names, other_names
from fusionguard.errors import UnknownChoiceError
from fusionguard.families.catalog import family_names
from fusionguard.home import Home
from fusionguard.registry.stored import stored_model_names
from fusionguard.registry.tracking import open_store, registry_errors, sqlite_file

PREFIX = "fusionguard-"
"""What a registered model's name begins with."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
"""What a data set may be called, which its declaration is held to."""


def plain_name(model: str) -> str:
    """Return what a model is called, without asking whether there is one.

    A registered name stands for it, too, and so does the name of a data set that ships.
    """
    short = model.removeprefix(PREFIX)
    return other_names().get(short, short)


def registered_name(model: str) -> str:
    """Return the registered name of a model, by any of its names; whether there is one is not asked."""
    return PREFIX + plain_name(model)


def model_names(home: Home) -> tuple[str, ...]:
    """Return the names of the models known here: the families' own, then those of data sets that the home's registry holds.

    Raises
    ------
    RegistryError
        The registry fails; one that nobody has made yet holds nothing.
    """
    own = family_names()
    found = {name.removeprefix(PREFIX) for name in _registered(home) if name.startswith(PREFIX)}
    return (*own, *sorted(name for name in found if name not in own and _NAME.fullmatch(name)))


def find_model(home: Home, model: str) -> str:
    """Return what a model is called, by any of its names: the registry is asked only about what is no family's.

    Raises
    ------
    UnknownChoiceError
        There is no such model here; the message names the nearest one, and all there are.
    RegistryError
        The registry fails.
    """
    name = plain_name(model)
    if name in family_names():
        return name
    known = model_names(home)
    if name not in known:
        raise UnknownChoiceError("model", name, known)
    return name


def how_to_train(model: str) -> str:
    """Return the command that trains a model of a name."""
    name = plain_name(model)
    if name in declared_names():
        return f"python run.py --dataset {name}"
    return f"make {name}" if name in family_names() else f"python run.py --dataset FILE.yaml, the declaration of '{name}'"


def _registered(home: Home) -> list[str]:
    stored = stored_model_names(home, PREFIX)
    if stored is not None:
        return stored
    database = sqlite_file(home.mlflow_uri)
    if database is not None and not database.exists():
        return []
    client = open_store(home)
    names: list[str] = []
    token: str | None = None
    with registry_errors(home.mlflow_uri):
        while True:
            page = client.search_registered_models(filter_string=f"name LIKE '{PREFIX}%'", page_token=token)
            names += [entry.name for entry in page]
            token = page.token
            if not token:
                return names
