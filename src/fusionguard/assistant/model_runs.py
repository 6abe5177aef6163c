"""The latest runs of the models, told in sentences: metrics with intervals, the gate's verdict, and their cards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fusionguard.assistant.reading import SIMULATED, Reading, make_passage, passages_of
from fusionguard.errors import FusionGuardError
from fusionguard.home import Home

if TYPE_CHECKING:
    from fusionguard.monitoring.champion import Champion
    from fusionguard.registry.versions import RegisteredVersion

CARD = "model_card.md"


def read_models(home: Home) -> Reading:
    """Return what the home knows of champions and challengers; a registry or model that cannot be read is told of."""
    from fusionguard.registry.model_names import model_names
    from fusionguard.registry.tracking import sqlite_file

    database = sqlite_file(home.mlflow_uri)
    if database is not None and not database.exists():  # do not import MLflow, which takes seconds, to hear the same
        return Reading(notes=("No model has been trained in this home yet: the index holds no metrics and no model card.",))
    try:
        models = model_names(home)
    except FusionGuardError as error:
        return Reading(notes=(f"Nothing is known of the models: {error}",))
    return sum((_read_model(home, model) for model in models), Reading())


def _read_model(home: Home, model: str) -> Reading:
    from fusionguard.registry.versions import CHALLENGER, CHAMPION, list_versions

    try:
        versions = list_versions(home, model)
    except FusionGuardError as error:
        return Reading(notes=(f"Nothing is known of {model}: {error}",))
    telling = [version for version in versions if {CHAMPION, CHALLENGER} & set(version.aliases)]
    return sum((_read_version(home, model, version, latest=version is versions[-1]) for version in telling), Reading())


def _read_version(home: Home, model: str, version: RegisteredVersion, *, latest: bool) -> Reading:
    """Return the passages of one version; its card and report are those that its run left in this home."""
    from fusionguard.monitoring.champion import EVALUATION, Champion
    from fusionguard.registry.aliases import resolve_bundle
    from fusionguard.registry.runs import describe_run

    name = f"{model} version {version.version}"
    try:
        bundle = resolve_bundle(home, f"{model}@{version.version}")
        champion = Champion.of(home, bundle)
        report = champion.evaluation()
        run = describe_run(home, version).zenml_run
        card = (champion.folder / CARD).read_text(encoding="utf-8")
    except FusionGuardError as error:
        return Reading(notes=(f"Nothing is known of {name}: {error}",))
    except (OSError, UnicodeDecodeError):
        return Reading(notes=(f"Nothing is known of {name}: its card is not in {champion.folder}.",))
    source = f"run {run}" if run else f"sha256 {version.bundle_sha256[:12]}"
    place = _below(home, champion.folder)
    about = f"version {version.version}"
    passages = passages_of(card, kind="card", file=f"{place}/{CARD}", title=f"Model card of {model}", source=source, about=about)
    top = f"{'Latest' if latest else 'Earlier'} {model} run"
    if version.simulated:
        top += f" ({SIMULATED})"
    role = _role(version)
    gate = next((passage.text for passage in passages if passage.heading.endswith(" > Gate")), "")
    standing = _standing(model, version, champion.family.features.rows)
    told = [("Gate verdict", f"{place}/{CARD}", [standing, gate])]
    if report is not None:
        told.append(("Metrics", f"{place}/{EVALUATION}", list(_metrics(champion, standing))))
    runs = [
        make_passage(
            kind="run",
            file=file,
            heading=f"{top} > {what} of {model} version {version.version}, the {role}",
            text="\n".join(f"- {sentence}" for sentence in sentences if sentence),
            source=source,
        )
        for what, file, sentences in told
    ]
    return Reading((*runs, *passages))


def _role(version: RegisteredVersion) -> str:
    return " and ".join(sorted(version.aliases, reverse=True)) or "version"


def _standing(model: str, version: RegisteredVersion, rows: str) -> str:
    simulated = f" It was trained on {SIMULATED}: its numbers say nothing about real {rows}." if version.simulated else ""
    return f"Version {version.version} of the {model} model is the {_role(version)}.{simulated}"


def _metrics(champion: Champion, standing: str) -> Iterator[str]:
    report = champion.evaluation()
    assert report is not None
    yield standing
    simulated = f" of {SIMULATED}" if champion.bundle.manifest.origin == "simulated" else ""
    yield f"These metrics were read on {report.test_rows:,} test rows{simulated}."
    own, *references = report.readings()
    for row in report.table_rows():
        reading = row.readings[own]
        if reading.value is None:
            yield f"{_upper(row.label)} of the {own} has no value: {reading.reason}."
            continue
        value = f"{_upper(row.label)} of the {own} is {reading.value:.{row.digits}f}"
        if reading.low is not None and reading.high is not None:
            value += f" (95 % interval {reading.low:.{row.digits}f} to {reading.high:.{row.digits}f})"
        others = [
            f"{row.readings[name].value:.{row.digits}f} of {name}" for name in references if row.readings[name].value is not None
        ]
        yield f"{value}{', against ' + ' and '.join(others) if others else ''}."


def _upper(label: str) -> str:
    return label[:1].upper() + label[1:]


def _below(home: Home, path: Path) -> str:
    return path.relative_to(home.root).as_posix()
