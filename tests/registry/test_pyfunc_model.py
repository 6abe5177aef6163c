"""The registered model as MLflow's users run it: raw rows in, by name and alias, in whatever types pandas gives them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fusionguard.families.catalog import model_family
from fusionguard.families.of_bundle import family_of
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.registry.aliases import resolve_bundle
from fusionguard.registry.mlflow_model import save_model
from fusionguard.registry.tracking import open_store, quiet_mlflow
from tests.foreign import write_payments
from tests.payments import DeclaredPayments

Load = Callable[[str], Any]


@pytest.fixture(scope="module")
def champion(registry: Home) -> Load:
    """Load a champion as MLflow's users do, once."""
    import mlflow.pyfunc

    @cache
    def load(family: str) -> Any:
        with pytest.MonkeyPatch.context() as patch, quiet_mlflow():
            patch.setenv("MLFLOW_TRACKING_URI", registry.mlflow_uri)
            patch.setattr(sys, "path", list(sys.path))  # MLflow puts the model's code there, and leaves it
            return mlflow.pyfunc.load_model(f"models:/fusionguard-{family}@champion")

    return load


@pytest.mark.parametrize("family", ["fraud", "churn"])
def test_raw_rows_get_the_bundles_answers(
    champion: Load, rows: Callable[[str], pd.DataFrame], registry: Home, family: str, request: pytest.FixtureRequest
) -> None:
    bundle: Bundle = request.getfixturevalue(f"{family}_bundle")
    given = rows(family)
    expected = model_family(family).load(bundle).answer(given).to_pydict()
    predicted = champion(family).predict(given.set_axis(range(1000, 1300)))
    assert list(predicted.columns) == list(model_family(family).outputs)
    assert list(predicted.index) == list(range(1000, 1300))
    assert predicted.to_dict("list") == expected
    assert len(set(expected["score"])) > 200 and len(set(expected["decision"])) == 2 and set(expected["reasons"]) == {""}
    assert resolve_bundle(registry, f"{family}@champion").sha256 == bundle.sha256


TYPES: dict[str, tuple[str, Callable[[pd.DataFrame], pd.DataFrame]]] = {
    "whole numbers where fractions may be": ("fraud", lambda rows: rows.astype({"Time": "int64", "Amount": "int64"})),
    "float32": ("fraud", lambda rows: rows.astype({"Time": "float32", "Amount": "float32"})),
    "whole balances": ("churn", lambda rows: rows.astype({"Balance": "int64", "EstimatedSalary": "int64"})),
    "counts as floats": ("churn", lambda rows: rows.astype({"Age": "float64", "HasCrCard": "float64", "Tenure": "float64"})),
    "narrow counts": ("churn", lambda rows: rows.astype({"Age": "int8", "CreditScore": "int32", "NumOfProducts": "uint8"})),
    "pandas' own types": ("churn", lambda rows: rows.convert_dtypes()),
    "categories": ("churn", lambda rows: rows.astype({"Geography": "category", "Gender": "category"})),
    "another order, no label, no names": (
        "churn",
        lambda rows: rows.drop(columns=["RowNumber", "CustomerId", "Surname", "Exited"]).iloc[:, ::-1],
    ),
    "no label": ("fraud", lambda rows: rows.drop(columns="Class")),
    "made features, which are not looked at": ("fraud", lambda rows: rows.assign(hour_of_day=99, amount_fraction_cents=-5)),
    "flags against the columns": ("churn", lambda rows: rows.assign(has_balance=7, balance_to_salary=float("inf"))),
}


@pytest.mark.parametrize("case", TYPES)
def test_types_and_further_columns_do_not_matter(champion: Load, rows: Callable[[str], pd.DataFrame], case: str) -> None:
    family, change = TYPES[case]
    whole = {"fraud": ["Time", "Amount"], "churn": ["Balance", "EstimatedSalary"]}[family]
    given = rows(family).head(20).round(dict.fromkeys(whole, 0))
    model = champion(family)
    expected = model.predict(given)
    assert len(set(expected["score"])) > 10
    pd.testing.assert_frame_equal(model.predict(change(given)), expected)


REFUSED: dict[str, tuple[str, Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "infinite": ("fraud", lambda rows: rows.assign(V3=float("inf")), "infinite number in column V3"),
    "negative": ("fraud", lambda rows: rows.assign(Amount=-0.01), r"Column 'Amount' has 2 cells .* out of range \(rows 0, 1\)"),
    "empty": ("fraud", lambda rows: rows.assign(V3=[0.5, None]), r"Column 'V3' has 1 cell that is empty.* \(rows 1\)"),
    "before the first second": ("fraud", lambda rows: rows.assign(Time=-1), "Column 'Time' has 2 cells"),
    "missing": ("fraud", lambda rows: rows.drop(columns="V28"), "lacks the column 'V28'"),
    "text": ("fraud", lambda rows: rows.assign(Amount="12"), "in column Amount"),
    "no rows": ("fraud", lambda rows: rows.head(0), "has no rows"),
    "another data set": ("fraud", lambda rows: pd.DataFrame({"Age": [39]}), "lacks the column 'Time'"),
    "empty count": ("churn", lambda rows: rows.assign(Age=[39, None]), r"Column 'Age' has 1 cell that is empty.* \(rows 1\)"),
    "half a year": ("churn", lambda rows: rows.assign(Tenure=0.5), "in column Tenure"),
    "a flag of 2": ("churn", lambda rows: rows.assign(HasCrCard=2), "Column 'HasCrCard' has 2 cells"),
    "unknown country": ("churn", lambda rows: rows.assign(Geography="Italy"), "not one of France, Germany, Spain"),
    "no country": ("churn", lambda rows: rows.assign(Geography=[None, "Spain"]), r"'Geography' has 1 cell .* \(rows 0\)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_scored_is_refused_by_name(champion: Load, rows: Callable[[str], pd.DataFrame], case: str) -> None:
    from mlflow.exceptions import MlflowException

    family, spoil, message = REFUSED[case]
    given = spoil(rows(family).head(2))
    with pytest.raises(MlflowException, match=message) as refused:
        champion(family).predict(given)
    assert refused.value.error_code == "INVALID_PARAMETER_VALUE"
    assert refused.value.get_http_status_code() == 400 and "\n" not in refused.value.message


@pytest.mark.parametrize("family", ["fraud", "churn"])
def test_the_example_scores_in_every_shape_that_holds_rows(champion: Load, family: str) -> None:
    model = champion(family)
    example = model.input_example
    assert example.to_dict("records") == [model_family(family).example]
    expected = model.predict(example).to_dict("records")
    assert 0 < expected[0]["probability"] < 1
    assert model.predict(example.to_dict("list")).to_dict("records") == expected
    assert model.predict(example.to_dict("records")).to_dict("records") == expected
    with pytest.raises(Exception, match=r"cannot be read from this str\. Give a pandas DataFrame\."):
        model.predict("a row")


@pytest.mark.parametrize("family", ["fraud", "churn"])
def test_mlflows_server_answers_as_predict_does_and_refuses_in_our_words(champion: Load, family: str) -> None:
    from fastapi.testclient import TestClient
    from mlflow.pyfunc.scoring_server import init

    model = champion(family)
    example = model.input_example
    expected = model.predict(example).to_dict("records")
    client = TestClient(init(model))
    for body in (
        {"dataframe_split": example.to_dict("split")},
        {"dataframe_records": example.to_dict("records")},
        {"inputs": example.to_dict("list")},
        {"instances": example.to_dict("records")},
    ):
        answer = client.post("/invocations", json=body)
        assert (answer.status_code, answer.json()) == (200, {"predictions": expected})
    csv = {"Content-Type": "text/csv"}
    answer = client.post("/invocations", content=example.to_csv(index=False), headers=csv)
    assert (answer.status_code, answer.json()) == (200, {"predictions": expected})
    column = {"fraud": "Amount", "churn": "Age"}[family]
    answer = client.post("/invocations", content=example.assign(**{column: -1}).to_csv(index=False), headers=csv)
    assert answer.status_code == 400 and answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"
    assert f"Column '{column}' has 1 cell" in answer.json()["message"] and "stack_trace" not in answer.json()


def test_a_damaged_bundle_is_not_loaded(registry: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow.pyfunc

    monkeypatch.setattr(sys, "path", list(sys.path))

    copied = tmp_path / "model"
    with quiet_mlflow():
        source = open_store(registry).get_model_version_download_uri("fusionguard-churn", "1")
        shutil.copytree(source.removeprefix("file://"), copied)
        (copied / "artifacts" / "bundle" / "policy.json").write_text("{}")
        with pytest.raises(Exception, match=r"policy\.json"):
            mlflow.pyfunc.load_model(str(copied))


def test_a_model_of_a_declared_data_set_scores_its_raw_rows(
    payments: DeclaredPayments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    with quiet_mlflow():
        import mlflow.pyfunc

        save_model(tmp_path / "model", payments.bundle, run_id="1" * 32, model_id="m-" + "2" * 32)
        model = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    given = pd.read_csv(write_payments(tmp_path / "more", 300, seed=11).with_name("rows.csv"))
    assert given["distance km"].isna().any() and given["country"].isna().any()
    family = family_of(payments.bundle)
    expected = family.load(payments.bundle).answer(given).to_pydict()
    assert model.predict(given).to_dict("list") == expected and len(set(expected["score"])) > 100
    assert model.predict(given.iloc[:, ::-1].astype({"mcc": str, "attempts": "float64"})).to_dict("list") == expected
    asked = {column["name"]: (column["type"], column["required"]) for column in model.metadata.metadata["input_columns"]}
    assert list(asked) == [name for name in given.columns if name in asked], "in the table's order"
    assert {name for name, (_, required) in asked.items() if not required} == {"distance km", "country", "rate"}
    assert (
        model.predict(model.input_example).to_dict("records")
        == family.load(payments.bundle).answer(pd.DataFrame([family.example])).to_pylist()
    )
    with pytest.raises(Exception, match=r"Column 'betrag' (has 1 cell |.*betrag)|in column betrag"):
        model.predict(given.head(3).astype({"betrag": object}).assign(betrag=["12", "much", "3"]))
