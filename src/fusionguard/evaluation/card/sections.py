"""What the cards of all models say in the same way: origin, training, explanations, the gate, and how to make it again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from fusionguard.config import TrainingConfig
from fusionguard.data.provenance import Provenance
from fusionguard.evaluation.bootstrap import Interval, PairedDifference
from fusionguard.evaluation.card.markdown import count, image, percent, table, text
from fusionguard.evaluation.gate import GateVerdict
from fusionguard.features.store import FeatureManifest

_FEATURES_SHOWN = 12


def write_card(title: str, banner: str | None, sections: Sequence[tuple[str, str]]) -> str:
    """Return a whole card: its title, the ``banner`` of a model that was made of simulated rows, and (heading, text) sections."""
    head = [f"# {title}"] if banner is None else [f"# {title}", banner]
    body = [f"## {heading}\n\n{content}" for heading, content in sections if content]
    return "\n\n".join([*head, *body]) + "\n"


def glance(rows: Iterable[tuple[str, str]], verdict: GateVerdict | None, bundle_sha256: str | None) -> str:
    """Show the few facts that tell most, with the gate's verdict and the bundle at their end."""
    shown = list(rows)
    if verdict is not None:
        shown.append(("gate", "promoted to champion" if verdict.promoted else "not promoted"))
    if bundle_sha256:
        shown.append(("bundle", f"`{bundle_sha256}` (SHA-256)"))
    return table(("", "this model"), shown, left=(0, 1))


def origin(provenance: Provenance, manifest: FeatureManifest, origin_in_words: str, more: Sequence[tuple[str, str]] = ()) -> str:
    """Show where the rows come from and what they became; ``more`` rows stand where the counts end."""
    rows = [
        ("origin", origin_in_words),
        ("source", provenance.description),
        ("SHA-256 of the raw file", f"`{provenance.sha256}`"),
        ("raw rows", count(manifest.raw_rows)),
        *_repetitions(manifest),
        *more,
        ("features made by", f"{manifest.engine}, schema version {manifest.schema_version}"),
        ("SHA-256 of the features", f"`{manifest.features_sha256}`"),
    ]
    return table(("", "value"), rows, left=(0, 1))


def _repetitions(manifest: FeatureManifest) -> Iterator[tuple[str, str]]:
    described = manifest.described
    if described is not None and described.repeated_rows:
        share = described.repeated_rows / described.rows
        yield (
            "rows that repeat an earlier one in every column",
            f"{count(described.repeated_rows)} ({percent(share, 2)}); all are kept",
        )


def training(found: Mapping[str, Any]) -> str:
    """Show what training found, or nothing where there is nothing to show."""
    if not found:
        return ""
    return table(("what training found", "value"), [(name, text(value)) for name, value in found.items()], left=(0, 1))


def delivered_row(refitted_rows: int | None, things: str) -> list[tuple[str, str]]:
    """Return the row of :func:`glance` that says that the delivered model was refitted on so many ``things``, or no row."""
    if refitted_rows is None:
        return []
    fitted = (
        f"fitted anew on all {count(refitted_rows)} {things} after the reading; the numbers are of the model without the test"
    )
    return [("delivered model", f"{fitted} slice, with the same settings")]


def stands_for(refitted_rows: int | None, things: str) -> str:
    """Say what a reading on the test slice stands for where the delivered model was refitted on so many ``things``."""
    if refitted_rows is None:
        return ""
    return (
        f"This reading is of the evaluated model, fitted without the test slice. The delivered one was fitted on all"
        f" {count(refitted_rows)} {things} afterwards, with the same settings and calibration: no {things} are left to read it"
        " on, so the reading stands for it as that of a model of the same making with fewer rows to learn from. Outcomes that"
        " monitoring collects will tell."
    )


def search(found: Sequence[str], judged_on: str) -> str:
    """Say how hyperparameters were searched for in this run, and what its values are worth."""
    return (
        f"Searched in this run, judged on {judged_on}. {' '.join(found)} The best of many values on the same folds leans to the"
        " good side; the test slice had no part in the search, and its reading does not."
    )


def importance(features: Sequence[tuple[str, float]], image_folder: str | None) -> str:
    """Show the features that move the score most, and the plots of their SHAP values."""
    total = sum(value for _, value in features) or 1.0
    shown = len(features) if len(features) == _FEATURES_SHOWN + 1 else _FEATURES_SHOWN
    rows = [(name, f"{value:.3f}", percent(value / total)) for name, value in features[:shown]]
    rest = features[shown:]
    if rest:
        others = sum(value for _, value in rest)
        rows.append((f"the other {len(rest)}", f"{others:.3f}", percent(others / total)))
    return paragraphs(
        table(("feature", "mean absolute SHAP value", "share"), rows),
        image("importance", "Mean absolute SHAP value by feature", image_folder),
        image("summary", "SHAP values by feature value", image_folder),
    )


def gate(verdict: GateVerdict | None) -> str:
    """Say what the gate decided."""
    if verdict is None:
        return "The gate was not asked: this model was not held against a champion."
    outcome = "**Promoted to champion.**" if verdict.promoted else "**Not promoted.**"
    against = f" Version {verdict.challenger_version} was held against version {verdict.champion_version}."
    return f"{outcome} {verdict.reason}{against if verdict.champion_version else ''}"


def gains(differences: Mapping[str, PairedDifference]) -> str:
    """Say by how much the model's average precision is above each reference's."""
    sentences = []
    for name, gain in differences.items():
        if gain.value == 0:
            sentences.append(f"Average precision is the same as that of the reference {name}.")
            continue
        direction = "above" if gain.value > 0 else "below"
        sentences.append(
            f"Average precision is {abs(gain.value):.3f} {direction} that of the reference {name} (95 % interval of the"
            f" difference {gain.low:+.3f} to {gain.high:+.3f}; higher in {percent(gain.probability_better, 0)} of the draws)."
        )
    return " ".join(sentences)


def reproduction(
    pipeline: str,
    provenance: Provenance,
    config: TrainingConfig,
    versions: Mapping[str, str],
    beside: str = "",
    *,
    declared: bool = False,
) -> str:
    """Say which command makes the model again, and what must be the same for that.

    Parameters
    ----------
    beside
        What ends the sentence on files.
    declared
        Whether the rows are of a data set that does not ship, which its declaration names.
    """
    source = {"simulated": "simulated", "kaggle": "kaggle"}.get(provenance.origin, "FILE")
    options = "".join(f" --set {key}={'null' if value is None else value}" for key, value in _changed_settings(config).items())
    engine = f" --engine {config.data.engine}" if config.data.engine != "duckdb" else ""
    named = f"--pipeline {pipeline} --stack local --source {source}"
    if declared:
        source, named = "FILE", "--dataset DECLARATION.yaml --stack local --source FILE"
    command = f"python run.py {named}{engine}{options}"
    where = f" `FILE` is the raw file with SHA-256 `{provenance.sha256}`.{beside}" if source == "FILE" else ""
    return paragraphs(
        f"```sh\nmake setup\n.venv/bin/{command}\n```",
        f"The seed is {config.seed}. With the same raw file, seed, settings, library versions and number of cores,"
        f" the bundle's SHA-256 is the same.{where}",
        table(("library", "version"), sorted(versions.items()), left=(0, 1)) if versions else "",
    )


def paragraphs(*parts: str) -> str:
    """Join parts of a section; empty ones are left out."""
    return "\n\n".join(part for part in parts if part)


def share(interval: Interval, digits: int = 1) -> str:
    """Return a share's value as per cent, or a dash."""
    return "–" if interval.value is None else percent(interval.value, digits)


def reasons(readings: Iterable[Interval]) -> list[str]:
    """Return why readings have no value, each reason once."""
    return list(dict.fromkeys(reading.reason for reading in readings if reading.reason is not None))


def _changed_settings(config: TrainingConfig) -> dict[str, Any]:
    """Return the settings that differ from the defaults, dotted; the source and the engine have options of their own."""
    default = _flat(type(config)().model_dump(mode="json"))
    own_options = ("data.source", "data.engine")
    changed = {key: value for key, value in _flat(config.model_dump(mode="json")).items() if value != default[key]}
    return {
        key: "null" if value is None else str(value).replace(" ", "") for key, value in changed.items() if key not in own_options
    }


def _flat(nested: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat
