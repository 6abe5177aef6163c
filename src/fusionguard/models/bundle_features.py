"""What a bundle says of the features it was made for: their names, their version and the SQL that makes them of a raw row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fusionguard.errors import BundleError
from fusionguard.expressions.errors import ExpressionError
from fusionguard.features.definition import FeatureDefinition
from fusionguard.files import write_json
from fusionguard.models.bundle import Bundle

FEATURES = "features.json"


def write_features(folder: Path, definition: FeatureDefinition) -> None:
    """Write ``features.json`` into the folder of a bundle."""
    write_json(folder / FEATURES, _names(definition) | {"rows_sql": definition.rows_text})


def read_features(bundle: Bundle, definition: FeatureDefinition) -> FeatureDefinition:
    """Return ``definition`` with the SQL of rows that the bundle holds; one made before bundles held it has this version's.

    Raises
    ------
    BundleError
        The bundle was made for other features than this version's engines build: other names, or another meaning of one.
    """
    content = bundle.read_json(FEATURES)
    other = BundleError(
        f"The bundle '{bundle.folder.name}' was made for other features than this version builds.",
        "Train the model again with run.py.",
    )
    text = content.pop("rows_sql", definition.rows_text) if isinstance(content, dict) else None
    if content != _names(definition) or not isinstance(text, str):
        raise other
    found = replace(definition, rows_text=text)
    try:
        outputs = found.parsed_rows.outputs
    except ExpressionError as error:
        raise other from error
    if any(outputs.get(name) != definition.parsed_rows.outputs[name] for name in definition.model_features):
        raise other
    return found


def _names(definition: FeatureDefinition) -> dict[str, object]:
    return {"columns": list(definition.model_features), "schema_version": definition.schema_version}
