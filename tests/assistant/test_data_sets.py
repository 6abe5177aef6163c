"""Models of several data sets side by side: each is asked by its own name, and its rows are read in its own words."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from fusionguard.assistant.answers import Persona, Question
from fusionguard.assistant.asked import AskedModel, mentioned_models, private_columns, shipped_models
from fusionguard.assistant.followups import stand_alone
from fusionguard.assistant.given_values import given_values
from fusionguard.assistant.guard import check_question
from fusionguard.assistant.known_models import KnownModels
from fusionguard.assistant.model_runs import read_models
from fusionguard.assistant.redaction import find_personal_data, redact
from fusionguard.assistant.routing import route
from fusionguard.assistant.tools.every import open_tools
from fusionguard.assistant.tools.toolbox import ToolCall
from fusionguard.data.provenance import Provenance
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.errors import UnknownChoiceError
from fusionguard.families.catalog import model_family
from fusionguard.families.declared_words import MANY_FIELDS, SHOWN_OF_MANY, declared_words
from fusionguard.families.of_bundle import family_of
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.registry.aliases import set_alias
from fusionguard.registry.register import register_bundle
from fusionguard.serving.release import ReleasedModel, write_release
from tests.registry.conftest import declared, seal_bundle

__all__ = ["declared"]


@pytest.fixture(scope="module")
def models(declared: dict[str, ResolvedDataset]) -> dict[str, AskedModel]:
    bound = {name: model_family(described.declaration.problem).on(described) for name, described in declared.items()}
    return {model.name: model for model in (*shipped_models(), *(AskedModel(family) for family in bound.values()))}


CARD, TELCO = "card-payments", "telco"


@pytest.mark.parametrize(
    ("name", "question", "values"),
    [
        (CARD, "amount paid 120.50, mcc 6051, country = GB", {"betrag": 120.5, "mcc": "6051", "country": "GB"}),
        (CARD, "£300, 45 attempts, merchant's trade '4829'", {"betrag": 300.0, "attempts": 45.0, "mcc": "4829"}),
        (CARD, "distance km missing and country of the merchant: unknown", {"distance km": None, "country": None}),
        (CARD, "booked at 01.03.2024 03:15, distance from home 12.5", {"booked at": "01.03.2024 03:15", "distance km": 12.5}),
        (CARD, "currency EUR, rate 0.85, mcc = 9999", {"currency": "EUR", "rate": 0.85, "mcc": "9999"}),
        (TELCO, "a one year contract and 5 calls to support", {"Contract": "one year", "Calls to support": 5.0}),
        (TELCO, "contract Month-to-month, North region", {"Contract": "month to month", "Region": "North"}),
        (TELCO, "Payment.Method = 'gift card', monthly bill 80", {"Payment.Method": "gift card", "Monthly Charges": 80.0}),
    ],
)
def test_values_are_read_by_columns_and_labels(
    models: dict[str, AskedModel], name: str, question: str, values: dict[str, Any]
) -> None:
    given = given_values(f"Score a row with {name}: {question}", models[name])
    assert given.values == values
    assert (given.unclear, given.leftover) == ([], [])


@pytest.mark.parametrize(
    ("name", "question", "said"),
    [
        (CARD, "betrag between 10 and 20", "betrag 'between 10' (one value is needed)"),
        (CARD, "attempts unknown", "attempts 'unknown'"),
        (CARD, "betrag 5, mcc", "mcc, which has no value"),
        (CARD, "betrag 5 and 77", "'77'"),
        (CARD, "betrag 5, V14 = 3", "'3'"),
        (CARD, "betrag 5, Geography = Spain", "'Geography = Spain' (no such field)"),
        (TELCO, "region South, region North", "Region, which is given twice ('North')"),
        (TELCO, "Contract = three years", "Contract 'three' and what follows (put several words into quotation marks)"),
        (TELCO, "region missing", "Region 'missing'"),
    ],
)
def test_what_cannot_be_read_is_said(models: dict[str, AskedModel], name: str, question: str, said: str) -> None:
    given = given_values(question, models[name])
    assert said in (*given.unclear, *given.leftover)


def test_a_question_goes_to_the_data_set_it_names(models: dict[str, AskedModel]) -> None:
    known = tuple(models.values())

    def meant(text: str, among: tuple[AskedModel, ...] = known) -> list[str]:
        return [model.name for model in mentioned_models(text, among)]

    assert meant("How is the card payments champion?") == [CARD]
    assert meant("How is the fraud champion?") == ["fraud"]
    assert meant("Compare telco and transfers") == ["transfers", TELCO]
    assert meant("our telcos") == []
    declared_only = tuple(model for model in known if not model.ships)
    assert meant("How is the fraud champion?", declared_only) == [CARD, "transfers"]
    assert meant("How good is the churn model?", declared_only) == [TELCO]
    assert meant("How good is the churn model?", declared_only[:1]) == ["churn"]
    assert route("What does monitoring say about telco?", known) == (ToolCall("monitoring_verdict", {"model": TELCO}),)
    asked = route("Score with telco: monthly bill 75", known)
    assert asked == (ToolCall("score_example", {"model": TELCO, "values": {"Monthly Charges": 75.0}}),)
    (unclear,) = route("Score a transaction of 30 EUR", declared_only)
    assert unclear.arguments["unclear"] == (f"which model is meant, {CARD} or transfers",)
    assert [call.arguments["model"] for call in route("Which features drifted?", known)] == [*models]
    follow_up = stand_alone("and for telco?", ["What does monitoring say about card-payments?"], known)
    assert follow_up == "What does monitoring say about telco?"


def test_words_of_a_declared_data_set_are_its_own(models: dict[str, AskedModel]) -> None:
    card, fraud = models[CARD], models["fraud"]
    assert (card.label, fraud.label) == ("card-payments (fraud)", "Card-fraud model")
    assert (card.words.chance_of, card.words.outcomes) == (fraud.words.chance_of, fraud.words.outcomes)
    assert not card.words.form.unusual and fraud.words.form.unusual
    assert card.words.fields.numbered is None and card.words.fields.any_money == "betrag"
    assert card.words.form.labels["distance km"] == "distance from home"
    assert models[TELCO].words.form.labels["Monthly Charges"] == "monthly bill (EUR)"
    assert models[TELCO].words.personal_numbers == "" and models["churn"].words.personal_numbers


def test_a_form_of_many_fields_shows_the_first_ones(declared: dict[str, ResolvedDataset]) -> None:
    told = declared[TELCO]
    numeric = {f"number {place}": told.declaration.numeric["Months as customer"] for place in range(MANY_FIELDS)}
    wide = told.model_copy(update={"declaration": told.declaration.model_copy(update={"numeric": numeric})})
    first = declared_words(model_family("churn").words, wide).form.first
    assert len(first) == SHOWN_OF_MANY and first[:2] == ("Monthly Charges", "number 0")


def test_private_columns_and_ids_are_not_repeated(models: dict[str, AskedModel]) -> None:
    columns = private_columns(tuple(models.values()))
    assert columns == {"card token", "payment id", "Customer ID"}
    asked = "Why was card token tok-4711, Card_Token: abc, payment id P0000012 declined? Request id: req-1 of 30 EUR"
    shown = redact(asked, columns=columns)
    assert shown.text == (
        "Why was card token [private value removed], Card_Token: [private value removed], payment id [private value removed]"
        " declined? Request id: req-1 of 30 EUR"
    )
    assert shown.kinds == ("private_value",)
    assert find_personal_data("The card token is private. Each payment id is there once.", columns=columns) == ()
    decision = check_question(Question(text="Is it drift that card token tok-4711 shows?"), columns=columns)
    assert "tok-4711" not in f"{decision.question}{decision.message}" and decision.redacted == ("private_value",)
    assert redact("tell me of card token tok-4711").kinds == ()


@pytest.fixture(scope="module")
def two_champions(
    blank_database: Path, declared: dict[str, ResolvedDataset], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Home, Bundle]:
    """A home whose registry has champions of card-payments and churn, and a telco version that is none."""
    home = Home(tmp_path_factory.mktemp("champions"))
    home.state.mkdir()
    shutil.copy(blank_database, home.state / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        for kind, name in (("churn", None), ("fraud", CARD), ("churn", TELCO)):
            described = declared[name] if name else None
            bundle = seal_bundle(home.root / f"{kind}-{name}", f'"{name}"', "local", kind, described)
            about = Provenance(dataset=kind, origin="local", description="drawn by a test", sha256="1" * 64, rows=3)
            version = register_bundle(home, bundle, metrics={}, plots={}, provenance=about, config={})
            if name == CARD:
                champion = bundle
            if name != TELCO:
                set_alias(home, name or kind, "champion", version.version, why="a test says so")
    return home, champion


def test_the_models_with_a_champion_can_be_asked(
    two_champions: tuple[Home, Bundle], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    home, bundle = two_champions
    known = KnownModels(home, tmp_path / "release")
    assert [model.name for model in known()] == ["churn", CARD]
    assert known() is known()
    assert known.find(CARD).kind == "fraud" and known.find("fraud").ships
    with pytest.raises(UnknownChoiceError, match=r"Unknown model 'telco'.*Valid choices: card-payments, churn, fraud"):
        known.find(TELCO)
    card = home.models / f"{CARD}-{bundle.version}"
    card.mkdir(parents=True)
    (card / "model_card.md").write_text("# Model card\n\n## Intended use\n\nIt ranks card payments.\n")
    passages = read_models(home).passages
    assert (card / "model_card.md").relative_to(home.root).as_posix() in {passage.file for passage in passages}
    assert KnownModels(Home(tmp_path), tmp_path / "release")() == shipped_models()


def test_a_row_of_a_declared_data_set_is_scored_in_its_words(telco_bundle: Bundle, tmp_path: Path) -> None:
    about = ReleasedModel(model=TELCO, role="champion", bundle_sha256=telco_bundle.sha256, origin="simulated")
    write_release(tmp_path / "release", [(about, telco_bundle)])
    known = KnownModels(Home(tmp_path), tmp_path / "release")
    (call,) = route("Score a customer with telco: contract month to month, 6 calls to support, way to pay missing", known())
    tools = open_tools(Home(tmp_path), known, {"FUSIONGUARD_SERVE_RELEASE": str(tmp_path / "release")})
    result: Any = tools.call(call)
    family = family_of(telco_bundle)
    row = family.example_row | {"Contract": "month to month", "Calls to support": 6.0, "Payment.Method": None}
    answer = family.open_online(telco_bundle).one(family.request_fields.row(row))
    assert result.probability == dict(zip(family.outputs, answer.values, strict=True))["probability"]
    assert (result.model, result.kind, result.given) == (TELCO, "churn", ("Calls to support", "Contract", "Payment.Method"))
    told = " ".join(result.sentences(Persona.ANALYST))
    assert "Given: Calls to support 6.0, Contract month to month, Payment.Method (missing)." in told
    assert {each.feature for each in result.contributions} <= {*family.features.words.values()}
