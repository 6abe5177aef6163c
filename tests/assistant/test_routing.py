"""Which questions go to which tool: a table, so that a change of a rule shows what it moves."""

from __future__ import annotations

import pytest

from fusionguard.assistant.asked import shipped_models
from fusionguard.assistant.followups import stand_alone
from fusionguard.assistant.routing import route

ROUTES = [
    ("What are the latest metrics of the fraud model?", "model_metrics", {"model": "fraud", "version": "latest"}),
    ("What is the average precision of the fraud model?", "model_metrics", {"model": "fraud", "version": "champion"}),
    ("How good is the churn model?", "model_metrics", {"model": "churn", "version": "champion"}),
    ("How does the fraud model perform?", "model_metrics", {"model": "fraud", "version": "champion"}),
    ("How is the fraud model doing?", "model_metrics", {"model": "fraud", "version": "champion"}),
    ("Did the last churn model pass the gate?", "model_metrics", {"model": "churn", "version": "latest"}),
    ("Show the metrics of the fraud challenger", "model_metrics", {"model": "fraud", "version": "challenger"}),
    ("What does monitoring say about the fraud model?", "monitoring_verdict", {"model": "fraud"}),
    ("Is the churn model healthy?", "monitoring_verdict", {"model": "churn"}),
    ("Which features of the fraud model drifted?", "monitoring_verdict", {"model": "fraud"}),
    ("What is the monitoring verdict for churn?", "monitoring_verdict", {"model": "churn"}),
    ("Compare champion and challenger for churn", "compare_models", {"model": "churn"}),
    ("Is the fraud challenger better than the champion?", "compare_models", {"model": "fraud"}),
    ("Why was request 8f3a-1c flagged?", "explain_request", {"request_id": "8f3a-1c", "row": 0}),
    ("Explain request id abc123ef-4 row 3", "explain_request", {"request_id": "abc123ef-4", "row": 3}),
    (
        "Score a transaction of 250 EUR with V14=-5 at 3 o'clock",
        "score_example",
        {"model": "fraud", "values": {"V14": -5.0, "Amount": 250.0, "Time": 10800.0}},
    ),
    (
        "How likely is a 52 year old German customer with 3 products to leave?",
        "score_example",
        {"model": "churn", "values": {"Age": 52, "NumOfProducts": 3, "Geography": "Germany"}},
    ),
]


@pytest.mark.parametrize(("question", "tool", "arguments"), ROUTES, ids=[question for question, _, _ in ROUTES])
def test_questions_about_how_things_stand_go_to_a_tool(question: str, tool: str, arguments: dict[str, object]) -> None:
    assert [(call.tool, call.arguments) for call in route(question, shipped_models())] == [(tool, arguments)]


def test_what_is_unclear_goes_with_the_call() -> None:
    (call,) = route("Score a transaction of 250 EUR with V14 = NaN and 7", shipped_models())
    assert call.arguments == {"model": "fraud", "values": {"Amount": 250.0}, "unclear": ("V14 'NaN'", "'7'")}
    assert route("How likely is a customer to leave within 6 months?", shipped_models()) == (), (
        "it gives no field, so it is no row to score"
    )


@pytest.mark.parametrize("question", ["Which features drifted?", "What is the latest gate verdict?"])
def test_where_no_model_is_named_both_are_asked(question: str) -> None:
    assert [call.arguments["model"] for call in route(question, shipped_models())] == ["fraud", "churn"]


@pytest.mark.parametrize(
    "question",
    [
        "How does the gate decide?",
        "How is drift measured?",
        "What is average precision?",
        "What is a challenger?",
        "What is the difference between champion and challenger?",
        "Why does the gate use a paired bootstrap?",
        "How do I score a transaction over HTTP?",
        "How do I explain a request?",
        "How many requests per second can the service take?",
        "What happened to request 12?",
        "Where are predictions logged?",
        "How many false alarms does monitoring raise?",
        "Score a transaction",
        "How good is the fraud model compared with a simple logistic regression?",
        "Please explain the request body",
    ],
)
def test_questions_of_method_go_to_the_documents(question: str) -> None:
    assert route(question, shipped_models()) == ()


@pytest.mark.parametrize(
    ("question", "earlier", "meant"),
    [
        ("and for churn?", ["How good is the fraud model?"], "How good is the churn model?"),
        ("What about fraud?", ["Which features of the churn model drifted?"], "Which features of the fraud model drifted?"),
        ("and how often?", ["How is the kettle cleaned?"], "How is the kettle cleaned how often"),
        ("How long does it take?", ["How is coffee brewed?"], "How is coffee brewed How long does it take?"),
        ("How is coffee brewed?", ["How is the kettle cleaned?"], "How is coffee brewed?"),
        ("and for churn?", [], "and for churn?"),
    ],
)
def test_follow_ups_stand_alone(question: str, earlier: list[str], meant: str) -> None:
    assert stand_alone(question, earlier, shipped_models()) == meant
