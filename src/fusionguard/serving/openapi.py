"""The service's description as OpenAPI 3.1, made from the same fields that check requests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from fusionguard.families.catalog import family_names, model_family
from fusionguard.families.family import REASONS, ModelFamily
from fusionguard.features.maker import FeatureMaker
from fusionguard.serving.http import JSON
from fusionguard.serving.openapi_parts import (
    BODY,
    EXAMPLE_ID,
    GUARDED,
    REFUSALS,
    Json,
    Refusal,
    describe,
    operation,
    ref,
    system_paths,
    unprocessable,
)
from fusionguard.serving.openapi_schemas import family_schemas, shared_schemas
from fusionguard.serving.outcome_words import OutcomeWords
from fusionguard.serving.problems import Fault, ProblemError
from fusionguard.serving.tables import ARROW, OCTETS, PARQUET, most_columns

_ABOUT = (
    "score, calibrated probability, decision, and why. Every answer carries X-Request-ID; a retry "
    "under the same id is logged once. Models trained on simulated data say so in X-Trained-On-Simulated-Data and X-Model-Origin."
)
_ID_PARAMETER = {
    "name": "id",
    "in": "query",
    "required": False,
    "schema": {"type": "string"},
    "description": "For parquet and Arrow: the column (texts or whole numbers) that names the rows; it comes first in the answer "
    "under its name and with its type, and is never logged. Without it, that is the column 'id', where there is one. "
    "Not for JSON, where rows have 'id' themselves.",
}
_REFUSALS = REFUSALS | {
    409: Refusal(
        "An outcome differs from the one that is known.",
        ProblemError(
            409,
            "label_conflict",
            "Outcomes that are known already differ; nothing was stored.",
            [Fault("labels[0].label", "1, as it was told before", "another")],
        ),
    ),
    503: Refusal(
        "The disk refuses outcomes now, or what happened before a row cannot be looked up.",
        ProblemError(503, "storage", "The outcomes cannot be stored now; nothing was stored."),
    ),
}
_MODEL_HEADERS = ("X-Model-Version", "X-Model-Origin")
_MODEL = {
    "role": "champion",
    "version": "0123456789ab",
    "bundle_sha256": "0123456789ab" + "0" * 52,
    "registered_version": 3,
    "origin": "simulated",
    "trained_on_simulated_data": True,
    "trained_at": "2026-01-31T12:00:00+00:00",
    "metrics": {"average_precision": 0.8},
    "feature_schema_version": 1,
}


def described_families(served: Iterable[ModelFamily] = ()) -> tuple[ModelFamily, ...]:
    """Return the families that a service describes: all on the data sets that ship, and those served on others."""
    shipped = {name: model_family(name) for name in family_names()}
    return tuple((shipped | {family.model: family for family in served}).values())


def describe_service(largest_batch_rows: int, families: Sequence[ModelFamily] | None = None) -> Json:
    """Return the whole document; ``families`` are as :func:`described_families` returns them."""
    families = described_families() if families is None else families
    shown = {"request_id": EXAMPLE_ID, "models": [{"model": families[0].model} | _MODEL]}
    models = {JSON: {"schema": ref("ModelsInUse"), "example": shown}}
    paths: Json = {}
    schemas = shared_schemas(tuple(family.model for family in families), largest_batch_rows)
    for family in families:
        schemas |= family_schemas(family, largest_batch_rows)
        paths |= _paths(family)
    paths["/v1/models"] = {"get": operation("models", "The models in use", "service", models, GUARDED)}
    paths |= system_paths("The models are loaded", "RiskScoring")
    return describe(
        "FusionGuard RiskScoring", f"{served_risks(families)}: {_ABOUT}", paths, schemas, _REFUSALS | _refusals(families[0])
    )


def served_risks(families: Sequence[ModelFamily]) -> str:
    """Return what services tell, of all families: ``Flood, hail and fire risk`` and the like."""
    *others, last = dict.fromkeys(family.risk for family in families)
    told = f"{', '.join(others)} and {last} risk" if others else f"{last} risk"
    return told[0].upper() + told[1:]


def _refusals(family: ModelFamily) -> dict[int, Refusal]:
    """Return the refusals whose examples are about a family."""
    fields = {field.name: field for field in family.request_fields.all}
    field = fields.get(family.service_example.faulty_field, family.request_fields.all[0])
    missing = ProblemError(404, "no_model", f"This service holds no {family.model} model.")
    return {
        404: Refusal("This service holds no such model, or no log.", missing),
        422: unprocessable(Fault(field.name, field.expected, "a string")),
    }


def _paths(family: ModelFamily) -> Json:
    model, thing = family.model, family.thing
    name, at, faults = model.capitalize(), f"/v1/{model}", (*BODY, 404)
    called, whose = model.replace("-", "_"), "" if family.declared is None else f" of {model}"
    row = family.example_row
    answer = _answer(family)
    one = {JSON: {"schema": ref(f"{name}Row"), "examples": {thing: {"value": row}}}}
    scored = {JSON: {"schema": ref(f"{name}Answer"), "example": answer}}
    explained = {JSON: {"schema": ref(f"{name}Explanation"), "example": answer | _explanation(family)}}
    many = {JSON: {"schema": ref(f"{name}Batch"), "examples": _batches(row)}, OCTETS: _table(family)}
    tables = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in (PARQUET, ARROW)}
    scored_many = {JSON: {"schema": ref(f"{name}Answers"), "examples": _batch_answers(answer)}} | tables
    positive = OutcomeWords.of(family).positive
    label = {"request_id": EXAMPLE_ID, "row": 0, "label": positive, "observed_at": "2026-01-31T12:00:00Z"}
    outcomes = ref("Outcomes" if family.declared is None else f"{name}Outcomes")
    labels = {JSON: {"schema": outcomes, "examples": {family.outcome: {"value": {"labels": [label]}}}}}
    stored = {JSON: {"schema": ref("Receipt"), "example": {"request_id": EXAMPLE_ID, "stored": 1, "repeated": 0}}}
    told = f"Tell what became of scored {thing}s: {json.dumps(positive)} is {family.positive}."

    scoring_faults = (*faults, 503) if family.features.past else faults

    def post(does: str, summary: str, body: Json, content: Json, **more: Any) -> Json:
        return {"post": operation(does, summary, model, content, scoring_faults, body=body, headers=_MODEL_HEADERS, **more)}

    return {
        f"{at}/score": post(f"score_{called}", f"Score one {thing}{whose}", one, scored),
        f"{at}/score_batch": post(
            f"score_{called}_batch", f"Score many {thing}s{whose}", many, scored_many, parameters=[_ID_PARAMETER]
        ),
        f"{at}/explain": post(f"explain_{called}", f"Score and explain one {thing}{whose}", one, explained),
        f"{at}/labels": {"post": operation(f"label_{called}", told, model, stored, (*faults, 409, 503), body=labels)},
    }


def _table(family: ModelFamily) -> Json:
    described = (
        "A parquet file or an uncompressed Arrow stream, told apart by its first bytes, with the columns of a row. By their own "
        f"names, {PARQUET} and {ARROW}, they are read as well. Label, row number, names and ids of the data set may be there, "
        f"{most_columns(family.request_fields):,} columns at most, and are not looked at."
    )
    return {"schema": {"type": "string", "format": "binary", "description": described}}


def _batches(row: Json) -> Json:
    by_column = {"columns": {key: [value, value] for key, value in row.items()}}
    return {
        "rows": {"summary": "Rows", "value": {"rows": [row | {"id": "a-1"}, row | {"id": "a-2"}]}},
        "columns": {"summary": "Columns", "value": by_column},
    }


def _answer(family: ModelFamily) -> Json:
    about = {"request_id": EXAMPLE_ID, "model": family.model, "model_version": "0123456789ab", "origin": "simulated"}
    shown = family.service_example
    return about | shown.answer | {REASONS: [], "decision_reason": shown.why}


def _explanation(family: ModelFamily) -> Json:
    shown = family.service_example
    feature, value = (shown.feature, family.example[shown.feature]) if family.declared is None else _first_feature(family)
    added = {"feature": feature, "value": value, "contribution": shown.contribution, "words": feature}
    return {"base": shown.base, "contributions": [added]}


def _first_feature(family: ModelFamily) -> tuple[str, Any]:
    """Return what answers call the first model feature, and what it is of the example row."""
    values = FeatureMaker(family.features).one(family.request_fields.row(family.example))
    return family.called(family.features.model_features[0]), values[0]


def _batch_answers(answer: Json) -> Json:
    about = {key: answer[key] for key in ("request_id", "model", "model_version", "origin")}
    about |= {"rows": 2, "flagged_without_reasons": 0}
    values = {key: value for key, value in answer.items() if key not in about}
    answers = [values | {"id": "a-1"}, values | {"id": "a-2"}]
    columns = {key: [value, value] for key, value in values.items()}
    return {
        "rows": {"summary": "Rows", "value": about | {"answers": answers}},
        "columns": {"summary": "Columns", "value": about | {"columns": columns}},
    }
