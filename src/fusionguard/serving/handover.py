"""What a run does for the service after a promotion: a new release, or a new Bento."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from fusionguard.config import ServingRelease
from fusionguard.errors import FusionGuardError
from fusionguard.home import Home


class Handover(BaseModel):
    """What the service was given by a run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    """For people: what there is now, and what makes the service take it over."""
    folder: Path | None = None
    """The release, or the Bento; null where nothing was handed over."""
    models: dict[str, str] = {}
    """The versions of the champions in it, by model."""


def keep_back(reason: str) -> Handover:
    """Return that the service was given nothing, and why."""
    return Handover(text=f"nothing new: {reason}")


def hand_over(home: Home, model: str, way: ServingRelease) -> Handover:
    """Give the champion of ``model`` to the service.

    Parameters
    ----------
    way
        ``folder`` writes the release that ``fusionguard serve`` answers with, where the other family's model stays as it is;
        ``bento`` builds the Bento of all champions, which takes some seconds.

    Raises
    ------
    FusionGuardError
        It failed; the text says that the promotion stands, and what was there before is as it was.
    """
    try:
        return _build(home) if way == "bento" else _release(home, model)
    except FusionGuardError as error:
        what = f"The {model} model is champion, but the service was not given it: {error.what}"
        remedy = "fusionguard bento" if way == "bento" else "fusionguard release"
        raise FusionGuardError(what, f"{error.remedy} Then: {remedy}.".strip()) from error


def _release(home: Home, model: str) -> Handover:
    from fusionguard.serving.launch import release_folder
    from fusionguard.serving.resolve import update_release

    folder = release_folder(home)
    released = update_release(home, folder, model)
    versions: dict[str, str] = {about.model: about.bundle_sha256[:12] for about in released if about.role == "champion"}
    text = f"released {_listed(versions)}; a service that runs takes it over when it gets SIGHUP"
    return Handover(text=text, folder=folder, models=versions)


def _build(home: Home) -> Handover:
    from fusionguard.serving.bento import build_bento

    built = build_bento(home)
    versions: dict[str, str] = {about.model: about.bundle_sha256[:12] for about in built.models if about.role == "champion"}
    return Handover(text=f"built the Bento {built.tag} of {_listed(versions)}", folder=built.folder, models=versions)


def _listed(versions: dict[str, str]) -> str:
    return " and ".join(f"{model} {version}" for model, version in versions.items())
