"""The README of a Bento: what it holds, its routes, and what it must be given."""

from __future__ import annotations

from collections.abc import Sequence

from fusionguard.families.family import ModelFamily
from fusionguard.serving.openapi import describe_service, described_families, served_risks
from fusionguard.serving.release import ReleasedModel
from fusionguard.serving.settings import ServeSettings

_GIVEN = """
## What it must be given

- A file of API keys, and `FUSIONGUARD_SERVE_KEYS` naming it: on any address but loopback it does not start without.
- A place for the prediction log that user 1034 may write to: a volume at `/home/bentoml/predictions`.
- Probes: `/livez` or `/health` for liveness, `/readyz` or `/ready` for readiness; none needs a key.

`GET /openapi.json` and `apis/openapi.yaml` describe every route with its schemas and examples.
"""


def write_readme(models: Sequence[ReleasedModel], families: Sequence[ModelFamily] = ()) -> str:
    """Return the README as Markdown; ``families`` are those of the models, on their data sets."""
    described = described_families(families)
    lines = ["# RiskScoring", "", f"{served_risks(described)} over HTTP: score, calibrated probability, decision, and why.", ""]
    lines += ["| model | role | version | trained on |", "|---|---|---|---|"]
    lines += [f"| {each.model} | {each.role} | {each.bundle_sha256[:12]} | {each.origin} data |" for each in models]
    lines += ["", "## Routes", "", "| route | what it does |", "|---|---|"]
    for path, methods in describe_service(ServeSettings().largest_batch_rows, described)["paths"].items():
        lines += [f"| `{method.upper()} {path}` | {operation['summary']} |" for method, operation in methods.items()]
    return "\n".join(lines) + "\n" + _GIVEN
