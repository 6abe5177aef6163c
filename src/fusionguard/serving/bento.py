"""Building ``RiskScoring``, the Bento: the service, its lock and a release in one folder that any machine can run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fusionguard.errors import FusionGuardError, UsageError
from fusionguard.files import storage_errors, write_text
from fusionguard.home import Home, find_checkout
from fusionguard.serving.bento_readme import write_readme
from fusionguard.serving.launch import QUIET
from fusionguard.serving.release import ReleasedModel, released_families
from fusionguard.serving.resolve import make_release

BENTOFILE = "bentofile.yaml"
LOCK = "requirements-serving.lock"
TEMPLATE = "docker/Dockerfile.template"
RELEASE = "release"
README = "README.md"
"""BentoML takes the one in the folder that it builds."""


ASK_DIGEST = "docker buildx imagetools inspect python:3.11.14-slim-bookworm --format '{{.Manifest.Digest}}'"
"""What a machine with a network says of the base image of :data:`TEMPLATE`."""


@dataclass(frozen=True)
class BuiltBento:
    """A Bento: its tag, the folder that is the context of its image, and its models."""

    tag: str
    folder: Path
    models: tuple[ReleasedModel, ...]

    @property
    def simulated(self) -> bool:
        """Whether one of its models was trained on simulated data."""
        return any(about.origin == "simulated" for about in self.models)


def build_bento(
    home: Home,
    *,
    models: Sequence[str] = (),
    challengers: Sequence[str] = (),
    base_digest: str | None = None,
    checkout: Path | None = None,
) -> BuiltBento:
    """Resolve the champions, or the models that are named, now, and build the Bento of them.

    An earlier version is rolled back to by naming it: ``models=["NAME@3"]``. Nothing is uploaded; BentoML's store is the home's.

    With ``base_digest`` (``sha256:`` and 64 digits) the image's base is that very image, whatever its tag comes to mean.

    Raises
    ------
    UsageError
        This is not a checkout, a name means nothing, or the digest is none.
    RegistryError, BundleError, StorageError
        As :func:`make_release` says.
    FusionGuardError
        BentoML refuses.
    """
    root = checkout or find_checkout()
    if root is None or not (root / BENTOFILE).is_file():
        raise UsageError(
            f"There is no {BENTOFILE} {f'in {root}' if root else 'here'}.", "Build a Bento from a checkout of FusionGuard."
        )
    if base_digest is not None and not re.fullmatch(r"sha256:[0-9a-f]{64}", base_digest):
        raise UsageError("The digest of the base image is not 'sha256:' and 64 hexadecimal digits.", f"Ask for it: {ASK_DIGEST}")
    store = home.state / "bentoml"
    with tempfile.TemporaryDirectory(prefix="fusionguard-bento-") as temporary:  # BentoML reads no folder that begins with a dot
        context = Path(temporary)
        _copy_sources(root, context)
        if base_digest is not None:
            _pin_base(context / TEMPLATE, base_digest)
        released = make_release(home, context / RELEASE, models=models, challengers=challengers)
        write_text(context / README, write_readme(released, released_families(context / RELEASE)))
        tag = _build(context, store)
    name, _, version = tag.partition(":")
    folder = store / "bentos" / name / version
    # BentoML adds itself once more, without a hash, and with hashes an installer takes no line that has none.
    write_text(folder / "env" / "python" / "requirements.txt", (folder / "src" / LOCK).read_text())
    return BuiltBento(tag, folder, released)


def _copy_sources(root: Path, context: Path) -> None:
    with storage_errors(context):
        for name in (BENTOFILE, "service.py", LOCK):
            shutil.copy2(root / name, context / name)
        shutil.copytree(root / "docker", context / "docker")
        shutil.copytree(root / "src", context / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))


def _pin_base(template: Path, digest: str) -> None:
    pinned, places = re.subn(r"(?m)^(FROM \S+)", rf"\1@{digest}", template.read_text())
    if places != 1:
        raise FusionGuardError(f"{TEMPLATE} has {places} lines FROM, where one is the base.", "Correct the template.")
    write_text(template, pinned)


def _build(context: Path, store: Path) -> str:
    environment = dict(os.environ) | QUIET | {"BENTOML_HOME": str(store), "FUSIONGUARD_SERVE_RELEASE": str(context / RELEASE)}
    command = [sys.executable, "-m", "bentoml", "build", "--output", "tag", "."]
    done = subprocess.run(command, env=environment, cwd=context, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("__tag__:")]
    if done.returncode != 0 or not lines:
        said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        raise FusionGuardError(f"BentoML did not build the Bento: {said}.", "Check bentofile.yaml.")
    return lines[0].removeprefix("__tag__:").strip()
