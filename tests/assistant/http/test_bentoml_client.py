"""BentoML's own client asks the assistant and rates what it said."""

from __future__ import annotations

from tests.assistant.http.conftest import RunningAssistant
from tests.serving.test_bentoml_client import call


def test_it_calls_every_route_that_takes_a_body(assistant_service: RunningAssistant) -> None:
    asked = assistant_service.ask("What does PSI mean?").json()
    methods, (answer, rated, unknown) = call(
        assistant_service.address,
        ("assist", {"question": "What does PSI mean?", "persona": "executive"}),
        ("feedback", {"request_id": asked["request_id"], "thumb": "up"}),
        ("feedback", {"request_id": "nobody", "thumb": "up"}),
    )
    assert methods == ["assist", "feedback"]
    assert (answer["kind"], answer["citations"][0]["number"]) == ("answer", 1)
    assert rated["stored"] is True
    assert "no_answer" in unknown
