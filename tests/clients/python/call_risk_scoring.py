"""Calls every route of RiskScoring with the client that openapi-python-client generates, and says what came back.

``mypy --strict`` reads it: what it takes out of an answer is what the generated types hold.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TypeVar

from fusion_guard_risk_scoring_client import AuthenticatedClient, Client
from fusion_guard_risk_scoring_client.api.churn import explain_churn, label_churn, score_churn, score_churn_batch
from fusion_guard_risk_scoring_client.api.fraud import explain_fraud, label_fraud, score_fraud, score_fraud_batch
from fusion_guard_risk_scoring_client.api.service import (
    docs,
    health,
    healthz,
    livez,
    metrics,
    models,
    openapi,
    ready,
    readyz,
    schema,
)
from fusion_guard_risk_scoring_client.models import (
    ChurnAnswer,
    ChurnAnswersByColumn,
    ChurnAnswersByRow,
    ChurnBatchByColumn,
    ChurnBatchByRow,
    ChurnColumns,
    ChurnExplanation,
    ChurnGender,
    ChurnGeography,
    ChurnRow,
    ClientSchema,
    Description,
    FraudAnswer,
    FraudAnswersByColumn,
    FraudAnswersByRow,
    FraudBatchByColumn,
    FraudBatchByRow,
    FraudColumns,
    FraudExplanation,
    FraudRow,
    Health,
    ModelsInUse,
    Outcome,
    OutcomeLabel,
    Outcomes,
    Problem,
    Receipt,
)
from fusion_guard_risk_scoring_client.types import File, Unset

T = TypeVar("T")


def expect(kind: type[T], answer: object) -> T:
    """Return an answer that is of a kind, or say what else it is."""
    assert isinstance(answer, kind), answer
    return answer


def main(address: str, key: str, folder: Path) -> dict[str, object]:
    """Return what each operation answered, by its id."""
    known = AuthenticatedClient(address, token=key, raise_on_unexpected_status=True)
    with known as client, Client(address, raise_on_unexpected_status=True) as anonymous:
        return (
            fraud(client, address, key, folder) | churn(client, folder) | service(client, anonymous) | problems(client, anonymous)
        )


async def score_soon(client: AuthenticatedClient, row: FraudRow) -> object:
    """Score a transaction in an event loop."""
    async with client:
        return await score_fraud.asyncio(client=client, body=row)


def fraud(client: AuthenticatedClient, address: str, key: str, folder: Path) -> dict[str, object]:
    """Score transactions one by one and in batches, explain one, and tell what became of it."""
    example = json.loads((folder / "transaction.json").read_text())
    row = FraudRow.from_dict(example | {"V14": -9.5, "Amount": 412.25})
    row.id = "t-1"
    one = score_fraud.sync_detailed(client=client, body=row, x_request_id="typed-1")
    answer = expect(FraudAnswer, one.parsed)
    later = expect(FraudAnswer, asyncio.run(score_soon(AuthenticatedClient(address, token=key), row)))
    why = expect(FraudExplanation, explain_fraud.sync(client=client, body=row))
    other = FraudRow.from_dict(example | {"id": "t-2"})
    by_row = expect(FraudAnswersByRow, score_fraud_batch.sync(client=client, body=FraudBatchByRow(rows=[row, other])))
    columns = FraudColumns.from_dict({name: [value, example[name]] for name, value in row.to_dict().items() if name != "id"})
    by_column = score_fraud_batch.sync(client=client, body=FraudBatchByColumn(columns=columns))
    outcome = Outcome(request_id="typed-1", row=0, label=OutcomeLabel.VALUE_1, observed_at=datetime(2026, 5, 6, 7, 8, tzinfo=UTC))
    stored = expect(Receipt, label_fraud.sync(client=client, body=Outcomes(labels=[outcome])))
    again = expect(Receipt, label_fraud.sync(client=client, body=Outcomes(labels=[outcome])))
    outcome.label = OutcomeLabel.VALUE_0
    conflict = expect(Problem, label_fraud.sync(client=client, body=Outcomes(labels=[outcome])))
    return {
        "score_fraud": [answer.id, answer.request_id, answer.probability, later.probability, one.headers["X-Model-Version"]],
        "explain_fraud": [why.score, why.base + sum(each.contribution for each in why.contributions)],
        "score_fraud_batch": [
            [(each.id, each.probability) for each in by_row.answers],
            expect(FraudAnswersByColumn, by_column).columns.probability,
        ],
        "label_fraud": [(stored.stored, stored.repeated), (again.stored, again.repeated), (conflict.status, conflict.reason)],
    }


def churn(client: AuthenticatedClient, folder: Path) -> dict[str, object]:
    """The same of customers, whose batches are sent as tables, too."""
    row = ChurnRow(
        credit_score=611,
        age=58,
        tenure=3,
        balance=120500.5,
        num_of_products=1,
        has_cr_card=0,
        is_active_member=0,
        estimated_salary=71000.25,
        geography=ChurnGeography.GERMANY,
        gender=ChurnGender.FEMALE,
    )
    answer = expect(ChurnAnswer, score_churn.sync(client=client, body=row))
    why = expect(ChurnExplanation, explain_churn.sync(client=client, body=row))
    by_row = expect(ChurnAnswersByRow, score_churn_batch.sync(client=client, body=ChurnBatchByRow(rows=[row, row])))
    columns = ChurnColumns(
        credit_score=[row.credit_score],
        age=[row.age],
        tenure=[row.tenure],
        balance=[row.balance],
        num_of_products=[row.num_of_products],
        has_cr_card=[row.has_cr_card],
        is_active_member=[row.is_active_member],
        estimated_salary=[row.estimated_salary],
        geography=[row.geography],
        gender=[row.gender],
        id=["c-1"],
    )
    by_column = score_churn_batch.sync(client=client, body=ChurnBatchByColumn(columns=columns))
    tables = [
        expect(
            ChurnAnswersByColumn,
            score_churn_batch.sync(client=client, body=File(payload=BytesIO((folder / name).read_bytes()))),
        ).columns
        for name in ("customers.parquet", "customers.arrow")
    ]
    outcome = Outcome(
        request_id=answer.request_id, row=0, label=OutcomeLabel.VALUE_0, observed_at=datetime(2026, 5, 6, tzinfo=UTC)
    )
    stored = expect(Receipt, label_churn.sync(client=client, body=Outcomes(labels=[outcome])))
    told = expect(ChurnAnswersByColumn, by_column).columns
    return {
        "score_churn": [answer.probability, answer.risk_band],
        "explain_churn": [why.score, why.base + sum(each.contribution for each in why.contributions)],
        "score_churn_batch": [
            [each.probability for each in by_row.answers],
            (told.id, told.probability),
            *[(table.id, table.probability) for table in tables],
        ],
        "label_churn": [(stored.stored, stored.repeated)],
    }


def service(client: AuthenticatedClient, anonymous: Client) -> dict[str, object]:
    """Ask what the service is; the probes need no key."""
    probes = (("health", health), ("ready", ready), ("livez", livez), ("healthz", healthz), ("readyz", readyz))
    listed = expect(ModelsInUse, models.sync(client=client))
    described = expect(Description, openapi.sync(client=client))
    told = expect(ClientSchema, schema.sync(client=client))
    return {name: expect(Health, probe.sync(client=anonymous)).status for name, probe in probes} | {
        "models": [(each.model.value, each.role.value, each.origin.value, each.metrics.to_dict()) for each in listed.models],
        "metrics": expect(str, metrics.sync(client=client)).count("fusionguard_model_info{"),
        "docs": expect(str, docs.sync(client=client)).startswith("<!doctype html>"),
        "openapi": described["openapi"],
        "schema": told["name"],
    }


def problems(client: AuthenticatedClient, anonymous: Client) -> dict[str, object]:
    """Be refused: what is wrong is told in fields."""
    row = FraudRow.from_dict(dict.fromkeys(("Time", *(f"V{number}" for number in range(1, 29)), "Amount"), 0.0))
    row.v7 = 1e9
    invalid = expect(Problem, score_fraud.sync(client=client, body=row))
    stranger = expect(Problem, models.sync(client=anonymous))
    faults = [] if isinstance(invalid.errors, Unset) else invalid.errors
    return {
        "422": [invalid.status, invalid.reason, [each.to_dict() for each in faults], invalid.errors_in_all],
        "401": [stranger.status, stranger.reason, isinstance(stranger.errors, Unset)],
    }


if __name__ == "__main__":
    json.dump(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])), sys.stdout)
