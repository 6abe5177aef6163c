"""BentoML's own client calls every route of both services that takes a body, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.serving.conftest import RunningService

CALLS = """
import json, sys
import bentoml

address, calls = sys.argv[1], json.loads(sys.argv[2])
told = []
with bentoml.SyncHTTPClient(address, server_ready_timeout=10) as client:
    for name, arguments in calls:
        try:
            told.append(getattr(client, name)(**arguments))
        except bentoml.exceptions.BentoMLException as error:
            told.append(str(error))
    print(json.dumps([sorted(client.endpoints), told]))
"""


def call(address: str, *calls: tuple[str, dict[str, Any]]) -> tuple[list[str], list[Any]]:
    """Return the methods that the client has, and what each call returned, or the words of its error."""
    command = [sys.executable, "-c", CALLS, address, json.dumps(calls)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    methods, told = json.loads(done.stdout.splitlines()[-1])
    return methods, told


def test_it_calls_every_route_that_takes_a_body(
    service: RunningService, transaction: dict[str, Any], customer: dict[str, Any]
) -> None:
    outcome = {"row": 0, "label": 1, "observed_at": "2026-05-06T07:08:00Z"}
    calls: list[tuple[str, dict[str, Any]]] = []
    for model, row in (("fraud", transaction), ("churn", customer)):
        scored = service.post(f"/v1/{model}/score", row, headers={"x-request-id": f"bentoml-{model}"})
        assert scored.status_code == 200
        calls += [
            (f"score_{model}", row | {"id": "r-1"}),
            (f"score_{model}_batch", {"rows": [row, row]}),
            (f"score_{model}_batch", {"columns": {name: [value] for name, value in row.items()}}),
            (f"explain_{model}", row),
            (f"label_{model}", {"labels": [outcome | {"request_id": f"bentoml-{model}"}]}),
        ]
    wrong = [("score_churn", customer | {"Age": "39"}), ("score_fraud_batch", {})]
    methods, told = call(f"http://127.0.0.1:{service.port}", *calls, *wrong)
    assert methods == sorted({name for name, _ in calls})
    for model, row, answers in (("fraud", transaction, told[:5]), ("churn", customer, told[5:10])):
        probability = service.post(f"/v1/{model}/score", row).json()["probability"]
        one, by_row, by_column, explained, stored = answers
        assert (one["id"], one["probability"], explained["probability"]) == ("r-1", probability, probability)
        batch = service.post(f"/v1/{model}/score_batch", {"rows": [row, row]}).json()
        assert [each["probability"] for each in by_row["answers"]] == [each["probability"] for each in batch["answers"]]
        assert by_column["columns"]["probability"] == [batch["answers"][0]["probability"]]
        assert (stored["stored"], stored["repeated"]) == (1, 0)
    invalid, empty = told[10:]
    assert '"path":"Age"' in invalid and "a string" in invalid
    assert "'rows' or 'columns'" in empty
