"""The schemas of one family's rows, batches and answers, made from the same fields that check requests."""

from __future__ import annotations

from fusionguard.datasets.moments import example_time
from fusionguard.families.declared_fields import Category, Measured, Moment
from fusionguard.families.family import REASONS, ModelFamily
from fusionguard.families.past_fields import Key
from fusionguard.families.request_fields import Choice, Field, Number, RequestFields
from fusionguard.serving.openapi_parts import REQUEST_ID, Json, always, array, choice, closed, number, ref, text, whole
from fusionguard.serving.outcome_words import OutcomeWords

ROW_ID = {"type": "string", "pattern": "^[A-Za-z0-9._:~-]{1,64}$", "description": "Yours; given back, never logged."}

_LACKING = "Rows scored without what happened before, and not recorded, because that could not be looked up; left out if none."


def family_schemas(family: ModelFamily, most: int) -> Json:
    """Return what is sent and answered of a family, by name; each begins with the family's."""
    name, fields = family.model.capitalize(), family.request_fields
    choices = {f"{name}{field.name}": choice(*field.values) for field in fields.all if type(field) is Choice}
    return choices | _sent(name, fields, most) | _answered(name, family) | _told(name, family, most)


def shared_schemas(models: tuple[str, ...], most: int) -> Json:
    """Return what all families share: outcomes, models in use, what a feature adds."""
    model = {
        "model": choice(*models),
        "role": choice("champion", "challenger"),
        "version": text(),
        "bundle_sha256": text(),
        "registered_version": {"type": ["integer", "null"]},
        "origin": choice("kaggle", "local", "simulated"),
        "trained_on_simulated_data": {"type": "boolean"},
        "trained_at": {"type": ["string", "null"]},
        "metrics": ref("Metrics"),
        "feature_schema_version": whole(),
    }
    value = {"type": ["number", "string", "null"]}
    return {
        **_outcomes("", {"type": "integer", "enum": [0, 1]}, most),
        "Receipt": closed({"request_id": text(), "stored": whole(), "repeated": whole()}),
        "ModelsInUse": closed({"request_id": text(), "models": array(ref("ModelInUse"))}),
        "ModelInUse": closed(model),
        "Metrics": {"type": "object", "additionalProperties": number()},
        "FeatureContribution": closed({"feature": text(), "value": value, "contribution": number(), "words": text()}),
    }


def _sent(name: str, fields: RequestFields, most: int) -> Json:
    members = {field.name: _field(name, field) for field in fields.all}
    columns = {key: array(value, minItems=1, maxItems=most) for key, value in members.items()}
    required = [field.name for field in fields.all if field.required]
    others = {column: {"description": "Of the table; nobody looks at it."} for column in sorted(fields.unread)}
    ids = array(ROW_ID, minItems=1, maxItems=most, uniqueItems=True)
    return {
        f"{name}Row": closed(members | others | {"id": ROW_ID}, required),
        f"{name}Columns": closed(columns | others | {"id": ids}, required),
        f"{name}Batch": _one_of(f"{name}BatchByRow", f"{name}BatchByColumn"),
        f"{name}BatchByRow": closed({"rows": array(ref(f"{name}Row"), minItems=1, maxItems=most)}),
        f"{name}BatchByColumn": closed({"columns": ref(f"{name}Columns")}),
    }


def _told(name: str, family: ModelFamily, most: int) -> Json:
    """Return what outcomes look like in the words of a declared data set; those that ship share one schema."""
    if family.declared is None:
        return {}
    words = OutcomeWords.of(family)
    label: Json = {"enum": list(words.values)}
    return _outcomes(name, {"anyOf": [label, {"type": "boolean"}]} if words.takes_truth else label, most)


def _outcomes(name: str, label: Json, most: int) -> Json:
    outcome = {
        "request_id": REQUEST_ID,
        "row": whole(minimum=0, maximum=99_999),
        "label": label,
        "observed_at": {"type": "string", "format": "date-time", "examples": ["2026-01-31T12:00:00Z"]},
    }
    labels = array(ref(f"{name}Outcome"), minItems=1, maxItems=most)
    return {f"{name}Outcomes": closed({"labels": labels}), f"{name}Outcome": closed(outcome)}


def _answered(name: str, family: ModelFamily) -> Json:
    outputs = {key: _output(key, kind, family) for key, kind in family.outputs.items()} | {"decision_reason": text()}
    columns = {key: array(value) for key, value in outputs.items()}
    about = {"request_id": text(), "model": always(family.model), "model_version": text(), "origin": text()}
    batch = about | {"rows": whole(), "flagged_without_reasons": whole()}
    explained = {"base": number(), "contributions": array(ref("FeatureContribution"))}
    by_row, by_column = {"answers": array(ref(f"{name}RowAnswer"))}, {"columns": ref(f"{name}AnswerColumns")}
    lacking = {"rows_without_history": whole() | {"description": _LACKING}} if family.features.past else {}
    own = {"id": ROW_ID} | lacking
    return {
        f"{name}Answer": closed(about | outputs | own, about | outputs),
        f"{name}Explanation": closed(about | outputs | own | explained, about | outputs | explained),
        f"{name}Answers": _one_of(f"{name}AnswersByRow", f"{name}AnswersByColumn"),
        f"{name}AnswersByRow": closed(batch | by_row | lacking, batch | by_row),
        f"{name}AnswersByColumn": closed(batch | by_column | lacking, batch | by_column),
        f"{name}RowAnswer": closed(outputs | {"id": ROW_ID}, outputs),
        f"{name}AnswerColumns": closed(columns | {"id": array(ROW_ID)}, columns),
    }


def _one_of(*names: str) -> Json:
    return {"oneOf": [ref(name) for name in names]}


def _field(name: str, field: Field) -> Json:
    """Return the schema of what a client sends in a field: in the form that is documented; declared columns take others, too."""
    if type(field) is Choice:
        return ref(f"{name}{field.name}")
    if type(field) is Number:
        return {"type": "integer" if field.whole else "number", "minimum": field.low, "maximum": field.high}
    schema: Json = {"description": f"{field.expected[0].upper()}{field.expected[1:]}."}
    if isinstance(field, Measured):
        limits = {"minimum": field.low, "maximum": field.high} if field.bounded else {}
        return schema | _nullable("integer" if field.whole else "number", field) | limits
    if isinstance(field, Category):
        return schema | _nullable("string", field) | {"examples": list(field.values[:3])}
    if isinstance(field, Key):
        return schema | {"type": ["string", "integer", "boolean", "null"]}
    if isinstance(field, Moment):
        return schema | {"type": "number" if field.time.unit else "string", "examples": [example_time(field.time)]}
    return schema | {"type": "string"}


def _nullable(kind: str, field: Field) -> Json:
    return {"type": kind if field.required else [kind, "null"]}


def _of_kind(kind: str) -> Json:
    return {"double": number(), "string": text(), "int32": whole(), "int64": whole(), "bool": {"type": "boolean"}}[kind]


def _output(name: str, kind: str, family: ModelFamily) -> Json:
    described = {
        "score": "Calibrated log-odds: what ranks.",
        "probability": "Calibrated, from 0 to 1.",
        "decision": f"'{family.flagged}' asks for somebody's attention.",
        REASONS: "What raises the risk most; only where the decision asks for attention.",
    }.get(name)
    schema = array(text()) if name == REASONS else _of_kind(kind)
    return schema | ({"description": described} if described else {})
