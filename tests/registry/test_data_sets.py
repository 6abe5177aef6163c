"""Models of several data sets side by side: each has its own name, versions, champion and pages."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from fusionguard.clean.needed import find_needed
from fusionguard.cli.registered import models
from fusionguard.config import GateConfig
from fusionguard.data.provenance import Provenance
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.doctor import examine
from fusionguard.errors import RegistryError, UnknownChoiceError
from fusionguard.evaluation.comparison import ComparedRows
from fusionguard.evaluation.gate import GateFacts, GateVerdict
from fusionguard.families.churn.report import ChurnReport
from fusionguard.families.scoring_model import ScoringModel
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.registry.aliases import champion, find_version, resolve_bundle
from fusionguard.registry.gate import pass_gate
from fusionguard.registry.model_names import find_model, how_to_train, model_names, plain_name, registered_name
from fusionguard.registry.overview import read_overview
from fusionguard.registry.register import register_bundle
from fusionguard.registry.tracking import open_store
from fusionguard.registry.versions import RegisteredVersion, list_versions

from .conftest import seal_bundle

PROBLEMS = {"card-payments": "fraud", "transfers": "fraud", "telco": "churn"}


@dataclass(frozen=True)
class Several:
    """A registry of several data sets; tests must not change it."""

    home: Home
    bundles: dict[tuple[str, int], Bundle]
    versions: dict[tuple[str, int], RegisteredVersion]
    verdicts: dict[tuple[str, int], GateVerdict]


@pytest.fixture(scope="module")
def several(blank_database: Path, declared: dict[str, ResolvedDataset], tmp_path_factory: pytest.TempPathFactory) -> Several:
    """Small bundles of three data sets, registered and judged as runs do it, and what others may keep in the same store."""
    several = Several(Home(tmp_path_factory.mktemp("several")), {}, {}, {})
    several.home.state.mkdir(parents=True)
    (several.home.state / "mlflow.db").write_bytes(blank_database.read_bytes())
    told = declared["telco"]
    fewer = {name: each for name, each in told.declaration.numeric.items() if name != "Calls to support"}
    narrower = told.model_copy(update={"declaration": told.declaration.model_copy(update={"numeric": fewer, "derived": {}})})
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        for name, described, own in (
            ("card-payments", declared["card-payments"], 0.9),
            ("transfers", declared["transfers"], 0.3),
            ("telco", told, 0.8),
            ("telco", narrower, 0.45),
        ):
            content = f'{{"own": {own}}}'
            bundle = seal_bundle(several.home.root / f"{name}-{own}", content, "local", PROBLEMS[name], described)
            facts = Provenance(dataset=name, origin="local", description="rows.csv", sha256="3" * 64, rows=described.rows)
            version = register_bundle(several.home, bundle, metrics={}, plots={}, provenance=facts, config={"seed": 7})
            key = (name, version.version)
            several.bundles[key], several.versions[key] = bundle, version
            several.verdicts[key] = _judged(several.home, bundle, version, own)
        open_store(several.home).create_registered_model("somebody-elses")
        open_store(several.home).create_registered_model("fusionguard-Not a name")
    return several


def _nothing(model: ScoringModel) -> ComparedRows:
    raise AssertionError("there is nobody to be compared with")


def _judged(home: Home, bundle: Bundle, version: RegisteredVersion, own: float) -> GateVerdict:
    facts = GateFacts(own=own, bar=0.4)
    return pass_gate(home, version, bundle, facts, _nothing, GateConfig(), samples=10, seed=1)


def test_names_are_those_of_families_and_of_what_is_registered(several: Several) -> None:
    home = several.home
    assert model_names(home) == ("fraud", "churn", "card-payments", "telco", "transfers")
    given = ("fraud", "fusionguard-fraud", "creditcard", "fusionguard-bank_churn", "telco", "fusionguard-card-payments")
    assert [find_model(home, name) for name in given] == ["fraud", "fraud", "fraud", "churn", "telco", "card-payments"]
    assert [registered_name(name) for name in ("creditcard", "telco")] == ["fusionguard-fraud", "fusionguard-telco"]
    assert how_to_train("bank_churn") == "make churn"
    assert how_to_train("fusionguard-telco") == "python run.py --dataset FILE.yaml, the declaration of 'telco'"


@pytest.mark.parametrize("given", ["telcos", "fusionguard-telcos"])
def test_an_unknown_name_is_refused_with_the_nearest_and_all_there_are(several: Several, given: str) -> None:
    for call in (find_model, list_versions, lambda home, name: find_version(home, f"{name}@1")):
        with pytest.raises(UnknownChoiceError) as caught:
            call(several.home, given)
        assert str(caught.value).startswith("Unknown model 'telcos'. Did you mean 'telco'?")
        assert str(caught.value).endswith("Valid choices: card-payments, churn, fraud, telco, transfers.")


def test_where_no_registry_is_a_data_set_is_unknown_and_a_family_is_not(home: Home) -> None:
    assert plain_name("telco") == "telco" and find_model(home, "bank_churn") == "churn"
    with pytest.raises(UnknownChoiceError, match=r"Unknown model 'telco'\. Valid choices: churn, fraud\."):
        find_model(home, "telco")
    assert not home.state.exists()


def test_data_sets_of_one_family_have_champions_of_their_own(several: Several) -> None:
    home = several.home
    assert [(each.name, each.version, each.family) for each in several.versions.values()] == [
        ("fusionguard-card-payments", 1, "fraud"),
        ("fusionguard-transfers", 1, "fraud"),
        ("fusionguard-telco", 1, "churn"),
        ("fusionguard-telco", 2, "churn"),
    ]
    assert champion(home, "transfers") is None and champion(home, "fraud") is None and champion(home, "churn") is None
    assert resolve_bundle(home, "card-payments@champion").sha256 == several.bundles["card-payments", 1].sha256
    assert resolve_bundle(home, "fusionguard-transfers@1").sha256 == several.bundles["transfers", 1].sha256
    assert resolve_bundle(home, "telco@champion").sha256 == several.bundles["telco", 2].sha256
    assert [(move.alias, move.after) for move in read_overview(home, "transfers").moves] == [("challenger", 1)]
    with pytest.raises(RegistryError, match=r"promoted none of its versions.*take one as it is with transfers@1"):
        resolve_bundle(home, "transfers@champion")


def test_the_gate_asks_the_champion_of_the_same_data_set_alone(several: Several) -> None:
    assert several.verdicts["card-payments", 1].promoted
    verdict = several.verdicts["transfers", 1]
    assert (verdict.promoted, verdict.champion_version) == (False, None)
    assert (
        verdict.reason == "There is no champion yet, and average precision 0.300 does not beat the logistic regression's 0.400."
    )


def test_a_champion_that_reads_what_is_not_declared_any_more_is_not_compared(several: Several) -> None:
    verdict = several.verdicts["telco", 2]
    assert verdict.promoted, verdict.reason
    assert verdict.reason.startswith(
        "The champion, version 1, reads features that the data set does not declare any more (calls to support, calls a month),"
        " and average"
    )


@pytest.mark.parametrize(
    ("positives", "own", "promoted", "told"),
    [
        (31, 0.5, False, "and average precision 0.450 does not beat its 0.500 on the same test rows."),
        (31, 0.42, True, "and average precision 0.450 beats its 0.420 on the same test rows."),
        (30, 0.5, True, "and its average precision of 0.500 was read on other test rows, and average precision 0.450 beats the"),
    ],
)
def test_a_champion_of_other_features_holds_by_what_it_read_on_the_same_rows(
    store: Home,
    declared: dict[str, ResolvedDataset],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    positives: int,
    own: float,
    promoted: bool,
    told: str,
) -> None:
    """The challenger reads 0.45 on 31 positive rows of the same source; the logistic regression is at 0.4."""
    wide = declared["telco"]
    narrow = wide.model_copy(update={"declaration": wide.declaration.model_copy(update={"derived": {}})})
    facts = Provenance(dataset="telco", origin="local", description="rows.csv", sha256="3" * 64, rows=wide.rows)
    read = {"wide": GateFacts(own=own, bar=0.4, positives=positives), "narrow": GateFacts(own=0.45, bar=0.4, positives=31)}
    verdicts = []
    for name, described in (("wide", wide), ("narrow", narrow)):
        bundle = seal_bundle(tmp_path / name, f'{{"of": "{name}"}}', "local", "churn", described)
        version = register_bundle(store, bundle, metrics={}, plots={}, provenance=facts, config={"seed": 7})
        verdicts.append(pass_gate(store, version, bundle, read[name], _nothing, GateConfig(), samples=10, seed=1))
        kept = store.models / f"telco-{bundle.version}" / "evaluation.json"
        kept.parent.mkdir(parents=True)
        kept.write_text(json.dumps(read[name].model_dump(mode="json")))
        monkeypatch.setattr(ChurnReport, "model_validate_json", lambda text: _Kept(GateFacts.model_validate_json(text)))
    assert verdicts[1].promoted is promoted and told in verdicts[1].reason, verdicts[1].reason
    assert verdicts[1].reason.startswith(
        "The champion, version 1, reads features that the data set does not declare any more (calls a month), and"
    )


@dataclass(frozen=True)
class _Kept:
    """What a report says to the gate."""

    facts: GateFacts

    def gate_facts(self) -> GateFacts:
        return self.facts


def test_commands_know_each_data_set(
    several: Several, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FUSIONGUARD_HOME", str(several.home.root))
    models(None, 10, False)
    told = capsys.readouterr().out
    headings = [line.partition(":")[0] for line in told.splitlines() if line.startswith("fusionguard-")]
    assert headings == [f"fusionguard-{name}" for name in model_names(several.home)]
    models("bank_churn", 10, False)
    assert capsys.readouterr().out == "fusionguard-churn: no version is registered yet.\n"
    models("transfers", 10, True)
    [transfers] = json.loads(capsys.readouterr().out)
    assert [(each["version"], each["family"]) for each in transfers["versions"]] == [(1, "fraud")]
    (several.home.predictions / "telco").mkdir(parents=True, exist_ok=True)
    (several.home.predictions / "telco" / "part-1.parquet").touch()
    found = {each.name: each for each in examine(several.home)}
    champion_of_telco, none = found["telco champion"], found["transfers champion"]
    assert champion_of_telco.detail == f"version 2, bundle {several.bundles['telco', 2].version}"
    assert none.remedy.endswith("python run.py --dataset FILE.yaml, the declaration of 'transfers'")
    assert found["telco monitoring"].remedy.endswith("run.py --pipeline monitoring --set model=telco")


def test_the_clean_up_keeps_what_any_data_set_needs(several: Several) -> None:
    needed = find_needed(several.home)
    assert needed.bundles == {bundle.sha256 for key, bundle in several.bundles.items() if key != ("telco", 1)}


def test_pages_tell_the_data_set_by_its_columns_and_no_value(several: Several) -> None:
    version, client = several.versions["card-payments", 1], open_store(several.home)
    run = client.get_run(version.run_id)
    [given] = run.inputs.dataset_inputs
    columns = {each["name"]: each["type"] for each in json.loads(given.dataset.schema)["mlflow_colspec"]}
    assert (given.dataset.name, json.loads(given.dataset.profile)) == ("card-payments", {"num_rows": 400})
    assert columns["betrag"] == "double" and columns["card token"] == columns["payment id"] == "string"
    assert "tok-" not in f"{given.dataset.schema}{given.dataset.source}{given.tags}"
    assert run.info.run_name.startswith("card-payments ")
    note = run.data.tags["mlflow.note.content"]
    assert "of the data set 'card-payments', made from 400 rows of local data (rows.csv)." in note
    assert client.get_registered_model(version.name).description.startswith(
        "Models that FusionGuard's pipeline fraud trained on the data set 'card-payments'. Each run"
    )
    assert client.get_experiment(run.info.experiment_id).name == "fusionguard-card-payments"
