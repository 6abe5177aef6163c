"""From names such as ``NAME@champion`` to a release on the disk: the one part of serving that asks the registry."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from fusionguard.errors import BundleError, FusionGuardError, RegistryError, UnknownChoiceError, UsageError
from fusionguard.families.catalog import family_names
from fusionguard.families.of_bundle import family_of
from fusionguard.features.online.place import is_same_past
from fusionguard.files import locked, storage_errors
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.serving.release import ReleasedModel, Role, check_release, write_release

_log = logging.getLogger(__name__)

ROLES: tuple[Role, ...] = ("champion", "challenger")


def make_release(
    home: Home, folder: Path, *, models: Sequence[str] = (), challengers: Sequence[str] = ()
) -> tuple[ReleasedModel, ...]:
    """Resolve champions and challengers now, and write them as a release; return what it holds. Raises as :func:`choose` does,
    and :class:`StorageError` where the disk refuses."""
    listed = choose(home, models, challengers)
    write_release(folder, listed)
    return tuple(about for about, _ in listed)


def renew_release(
    home: Home, folder: Path, check: Callable[[Path], None], *, models: Sequence[str] = (), challengers: Sequence[str] = ()
) -> None:
    """Make the release in a folder that of the models of now, for a service that starts; one that holds them is not touched.

    Where no models are named, what answers there stays for data sets without a champion, for somebody has released it by its
    name, and for those whose champion is damaged or of a newer version.

    Parameters
    ----------
    check
        Called with the new release before it takes its place; what it raises leaves the earlier one as it was.

    Raises
    ------
    FusionGuardError
        As :func:`make_release` and ``check`` raise it.
    """
    listed = choose(home, models, challengers, kept=None if models else _answering(folder))
    if not _holds(folder, listed):
        write_release(folder, listed, check=check)


def choose(
    home: Home,
    models: Sequence[str],
    challengers: Sequence[str],
    *,
    kept: Sequence[tuple[ReleasedModel, Bundle]] | None = None,
) -> list[tuple[ReleasedModel, Bundle]]:
    """Resolve champions and challengers now.

    Parameters
    ----------
    models
        What answers: ``NAME@champion``, ``NAME@3`` or a bundle's folder; of each data set one at most. Without any, the
        champions there are.
    challengers
        What is scored in the shadow, named likewise.
    kept
        What answers where no models are named and a data set has no champion that can be served; those that can are served
        then, and the others named in a warning. None where a damaged champion is an error.

    Raises
    ------
    UsageError, RegistryError, BundleError
        A name means nothing, two mean the same data set, a challenger has no champion or is the same model, or a bundle is
        damaged.
    """
    chosen = [_resolve(home, spec, "champion") for spec in models] or _champions(home, kept)
    answering = {about.model: about.bundle_sha256 for about, _ in chosen}
    if len(answering) < len(chosen):
        raise UsageError("Two of the models are of the same data set.", _one_of_each())
    shadows = [_resolve(home, spec, "challenger") for spec in challengers]
    if len({about.model for about, _ in shadows}) < len(shadows):
        raise UsageError("Two of the challengers are of the same data set.", _one_of_each())
    champions = {about.model: bundle for about, bundle in chosen}
    for about, bundle in shadows:
        if about.model not in answering:
            raise UsageError(f"The {about.model} challenger has no champion to shadow.", "Name a model of the same data set.")
        if about.bundle_sha256 == answering[about.model]:
            raise UsageError(
                f"The {about.model} challenger is the model that answers itself ({about.bundle_sha256[:12]}).",
                "There is nothing to compare: name another version, or leave --shadow out.",
            )
        if not _sees_the_same(bundle, champions[about.model]):
            raise UsageError(
                f"The {about.model} challenger reads of what happened before what its champion does not look up.",
                "Shadow a model with the same windows: nothing is remembered for a challenger alone.",
            )
    return chosen + shadows


def update_release(home: Home, folder: Path, model: str) -> tuple[ReleasedModel, ...]:
    """Put the champion of one model into a release and leave the others there as they are.

    Where there is no release, it is written as :func:`make_release` does. Its challenger leaves the release. Another
    process that does the same waits.

    Raises
    ------
    RegistryError, BundleError
        There is no such champion, its bundle is damaged, or the release that is there is.
    StorageError
        The disk refuses; the release is as it was.
    """
    with storage_errors(folder):
        home.state.mkdir(parents=True, exist_ok=True)
    with storage_errors(folder), locked(home.state):
        if not folder.exists():
            return make_release(home, folder)
        kept = [(about, Bundle(folder / about.folder)) for about in check_release(folder).models if about.model != model]
        listed = [_resolve(home, f"{model}@champion", "champion"), *kept]
        listed.sort(key=lambda pair: (ROLES.index(pair[0].role), _place(pair[0].model)))
        write_release(folder, listed)
    return tuple(about for about, _ in listed)


def _sees_the_same(challenger: Bundle, champion: Bundle) -> bool:
    """Whether what a champion looks up of the past of a row is what a challenger reads of it."""
    asks, answers = family_of(challenger).declared, family_of(champion).declared
    if asks is None or not asks.declaration.windows:
        return True
    return answers is not None and is_same_past(asks.declaration, answers.declaration)


def _holds(folder: Path, listed: list[tuple[ReleasedModel, Bundle]]) -> bool:
    """Tell whether a folder holds a whole release of these models."""
    try:
        return check_release(folder).models == tuple(about for about, _ in listed)
    except BundleError:  # there is none, or it is damaged: it is written anew
        return False


def _answering(folder: Path) -> list[tuple[ReleasedModel, Bundle]]:
    """Return what answers by the release in a folder; nothing where there is none, or it is damaged."""
    try:
        return [(about, Bundle(folder / about.folder)) for about in check_release(folder).models if about.role == "champion"]
    except BundleError:
        return []


def _champions(home: Home, kept: Sequence[tuple[ReleasedModel, Bundle]] | None) -> list[tuple[ReleasedModel, Bundle]]:
    from fusionguard.registry.aliases import champion
    from fusionguard.registry.model_names import model_names
    from fusionguard.registry.versions import list_versions

    found: list[tuple[ReleasedModel, Bundle]] = []
    faults: dict[str, FusionGuardError] = {}
    for name in (each for each in model_names(home) if champion(home, each) is not None):
        try:
            found.append(_resolve(home, f"{name}@champion", "champion"))
        except (BundleError, UsageError) as error:  # damaged, or of a newer version
            faults[name] = error
    named = {about.model for about, _ in found}
    if others := [pair for pair in kept or () if pair[0].model not in named]:
        found = sorted([*found, *others], key=lambda pair: _place(pair[0].model))
    for name, fault in faults.items():
        if not found or (kept is None and isinstance(fault, BundleError | UnknownChoiceError)):
            raise fault
        answers = "what was released of it before answers" if name in {about.model for about, _ in others} else "it is left out"
        _log.warning("The champion of %s cannot be served, so %s: %s", name, answers, fault)
    if not found:
        trained = [f"{name}@{versions[-1].version}" for name in model_names(home) if (versions := list_versions(home, name))]
        way = f"Train one first: {', or '.join(f'make {name}' for name in family_names())}."
        if trained:
            way = f"The gate has promoted none, `fusionguard models` says why; --model {trained[0]} takes one as it is."
        raise RegistryError("There is no champion yet.", way)
    return found


def _place(model: str) -> tuple[int, str]:
    """Return where a model stands among others: those of the data sets that ship come first."""
    own = family_names()
    return (own.index(model) if model in own else len(own)), model


def _one_of_each() -> str:
    return "Name one for each data set."


def _resolve(home: Home, spec: str, role: Role) -> tuple[ReleasedModel, Bundle]:
    from fusionguard.registry.aliases import find_version, resolve_bundle
    from fusionguard.registry.runs import describe_run

    bundle = resolve_bundle(home, spec)
    family = family_of(bundle)
    about = ReleasedModel(
        model=family.model,
        role=role,
        bundle_sha256=bundle.sha256,
        origin=bundle.manifest.origin,
    )
    if "@" not in spec or Path(spec).expanduser().is_dir():
        return about, bundle
    version = find_version(home, spec)
    facts = describe_run(home, version)
    began = facts.began.isoformat(timespec="seconds")
    return about.model_copy(update={"registered_version": version.version, "trained_at": began, "metrics": facts.metrics}), bundle
