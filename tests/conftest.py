"""Fixtures that every test may use."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.threads import wait_politely

if TYPE_CHECKING:
    from tests.payments import DeclaredPayments
    from tests.redis_server import RunningRedis
    from tests.telco import DeclaredModel

wait_politely()
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as a shell starts what runs behind it; children would never see Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)
if not hasattr(sys.modules["__main__"], "__file__"):  # a process of pytest-xdist; ZenML asks where the program lies
    sys.modules["__main__"].__file__ = str(Path(pytest.__file__).with_name("__main__.py"))
_SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Say in which process of several a test runs, and when."""
    from tests.scheduling import ByFile

    return ByFile(config, log)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real samples beside the checkout; tests that need it skip where it is absent."""
    if not _SHARED_DATA.is_dir():
        pytest.skip("needs the real samples in ../shared/data, which are not part of the project")
    return _SHARED_DATA


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty home of the test's own, also for the code that looks it up."""
    monkeypatch.setenv("FUSIONGUARD_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return Home(tmp_path / "home")


@pytest.fixture(scope="session")
def simulated_raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A parquet file of 20,000 simulated transactions; tests must not change it."""
    from fusionguard.datasets.creditcard.schema import FRAUD
    from fusionguard.datasets.simulated import simulate

    return simulate(FRAUD, 20_000, 3, tmp_path_factory.mktemp("simulated") / "raw.parquet").path


@pytest.fixture(scope="session")
def fraud_bundle(simulated_raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A small fraud model made of ``simulated_raw`` as the pipeline makes one; tests must not change its files."""
    from fusionguard.config import SplitConfig
    from fusionguard.data.provenance import Provenance
    from fusionguard.data.table import Table
    from fusionguard.evaluation.planned_rows import planned_rows
    from fusionguard.evaluation.splits import plan_split
    from fusionguard.families.fraud.autoencoder import train_autoencoder
    from fusionguard.families.fraud.boosting import train_booster
    from fusionguard.families.fraud.build import build_fraud_bundle
    from fusionguard.families.fraud.config import AutoencoderConfig, FraudConfig, XGBoostConfig
    from fusionguard.features.store import build_features

    config = FraudConfig(
        split=SplitConfig(train=0.4, validation=0.2, calibration=0.2, test=0.2),
        xgboost=XGBoostConfig(rounds=30, num_parallel_tree=1, learning_rate=0.1),
        autoencoder=AutoencoderConfig(latent_sizes=(2,), epochs=2),
    )
    folder = tmp_path_factory.mktemp("fraud")
    raw = Table(simulated_raw)
    provenance = Provenance(dataset="fraud", origin="simulated", description="20,000 rows", sha256="0" * 64, rows=raw.rows)
    built = build_features(raw, provenance, "duckdb", folder / "store")
    features = built.table
    plan = plan_split(planned_rows(features, built.manifest.definition), config.split)
    booster = train_booster(features, plan, config.xgboost, negative_weight=1.0, seed=7)
    autoencoder = train_autoencoder(features, plan, config.autoencoder, negative_weight=1.0, seed=7)
    return build_fraud_bundle(
        folder / "bundle", features, plan, booster, autoencoder, provenance=provenance, features_sha256="1" * 64, config=config
    )


@pytest.fixture(scope="session")
def payments(tmp_path_factory: pytest.TempPathFactory) -> DeclaredPayments:
    """A small fraud model of 3,000 payments with times, texts and missing values; tests must not change its files."""
    from tests.payments import train_payments

    return train_payments(tmp_path_factory.mktemp("payments"))


@pytest.fixture(scope="session")
def payments_bundle(payments: DeclaredPayments) -> Bundle:
    """The bundle of ``payments``."""
    return payments.bundle


@pytest.fixture(scope="session")
def zenml_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A ZenML configuration and store of this session's own, for this process and those it starts; never the user's."""
    import logging
    import warnings

    folder = tmp_path_factory.mktemp("zenml")
    root = logging.getLogger()
    level = root.level
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZENML_CONFIG_PATH", str(folder))
        patch.delenv("ZENML_ACTIVE_STACK_ID", raising=False)
        if os.environ.get("PYTHONDONTWRITEBYTECODE"):  # else each of a dozen processes would compile ZenML anew: 5 s
            patch.delenv("PYTHONDONTWRITEBYTECODE")
            base = tmp_path_factory.getbasetemp()
            shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
            patch.setenv("PYTHONPYCACHEPREFIX", str(shared / "bytecode"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # 2026-11: ZenML 0.98 imports passlib, which imports the deprecated crypt
            from stacks.session import open_client

            open_client()
        root.setLevel(level)  # ZenML turns the whole process silent; other tests read logs
        logging.captureWarnings(False)
        yield folder


@pytest.fixture(scope="session")
def blank_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's database as it is when just made, which takes seconds."""
    from fusionguard.registry.tracking import open_store

    home = Home(tmp_path_factory.mktemp("blank"))
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        open_store(home, create=True)
        return home.state / "mlflow.db"


@pytest.fixture
def store(home: Home, blank_database: Path) -> Home:
    """A home with an empty MLflow store, which was made once and is copied."""
    home.state.mkdir(parents=True)
    shutil.copy(blank_database, home.state / "mlflow.db")
    return home


SMALL_FRAUD = (
    *("data.rows=30000", "split.train=0.4", "split.validation=0.2", "split.calibration=0.2", "xgboost.rounds=40"),
    *("autoencoder.epochs=2", "autoencoder.latent_sizes=[2]"),
    *("evaluation.bootstrap_samples=20", "evaluation.shap_rows=100"),
)
"""The fraud pipeline's settings for a run of seconds."""

SMALL_CHURN = (
    *("data.rows=3000", "holdout.folds=3", "holdout.repeats=1", "lightgbm.rounds=40", "catboost.rounds=40"),
    *("evaluation.bootstrap_samples=20", "evaluation.shap_rows=100"),
)
"""The churn pipeline's settings for a run of seconds."""


@dataclass(frozen=True)
class PipelineRun:
    """A finished run of a pipeline in a home of its own; ``again()`` runs the same command once more."""

    home: Home
    command: tuple[str, ...]
    summary: dict[str, Any]
    out: str
    err: str

    def foreign(self) -> list[str]:
        """What it printed that is not ours: neither progress nor summary, or the form in which libraries log."""
        ours = re.compile(r" {8}(?!libraries warned)\S|\[ *\d+/\d+\] [a-z_]+ +[\d.]+ s")
        logs = re.compile(
            r"(?i)\b(?:info|warning|error|debug|deprecat\w+)\b *[]:]|mlflow\.|zenml\.|alembic|great_expectations|Traceback"
        )
        strange = [line for line in self.err.splitlines() if not ours.match(line)]
        return strange + [line for line in self.out.splitlines() if logs.search(line)]

    def again(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the same command, with more arguments."""
        environment = os.environ | {"FUSIONGUARD_HOME": str(self.home.root)}
        command = [*self.command, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280)


@pytest.fixture(scope="session")
def fraud_run(zenml_store: Path, tmp_path_factory: pytest.TempPathFactory) -> PipelineRun:
    """The fraud pipeline, run once for every test that looks at its result: small, on simulated data, as a user runs it."""
    return run_small("fraud", SMALL_FRAUD, tmp_path_factory.mktemp("fraud-run"))


@pytest.fixture(scope="session")
def churn_run(zenml_store: Path, tmp_path_factory: pytest.TempPathFactory) -> PipelineRun:
    """The same of the churn pipeline."""
    return run_small("churn", SMALL_CHURN, tmp_path_factory.mktemp("churn-run"))


def run_small(pipeline: str, settings: Sequence[str], folder: Path) -> PipelineRun:
    """Run a pipeline on simulated data in a home within ``folder``, as a user does."""
    door = Path(__file__).resolve().parents[1] / "run.py"
    command = (sys.executable, str(door), "--pipeline", pipeline, "--source", "simulated")
    run = PipelineRun(Home(folder / "home"), (*command, *(word for each in settings for word in ("--set", each))), {}, "", "")
    done = run.again("--summary", str(folder / "summary.json"))
    assert done.returncode == 0, done.stderr
    return replace(run, summary=json.loads((folder / "summary.json").read_text()), out=done.stdout, err=done.stderr)


@pytest.fixture(scope="session")
def simulated_customers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A parquet file of 2,000 simulated bank customers; tests must not change it."""
    from fusionguard.datasets.bank_churn.schema import CHURN
    from fusionguard.datasets.simulated import simulate

    return simulate(CHURN, 2_000, 3, tmp_path_factory.mktemp("customers") / "raw.parquet").path


@pytest.fixture(scope="session")
def churn_bundle(simulated_customers: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A small churn model made of ``simulated_customers`` as the pipeline makes one; tests must not change its files."""
    from fusionguard.config import HoldoutConfig
    from fusionguard.data.provenance import Provenance
    from fusionguard.data.table import Table
    from fusionguard.evaluation.holdout import plan_holdout
    from fusionguard.evaluation.planned_rows import planned_rows
    from fusionguard.families.churn.build import build_churn_bundle
    from fusionguard.families.churn.catboost_model import train_catboost
    from fusionguard.families.churn.config import CatBoostConfig, ChurnConfig, LightGBMConfig
    from fusionguard.families.churn.lightgbm_model import train_lightgbm
    from fusionguard.families.churn.out_of_fold import choose_model, score_out_of_fold
    from fusionguard.families.churn.rows import read_customers
    from fusionguard.features.store import build_features

    config = ChurnConfig(
        holdout=HoldoutConfig(folds=3, repeats=1),
        lightgbm=LightGBMConfig(rounds=40, learning_rate=0.1),
        catboost=CatBoostConfig(rounds=30, learning_rate=0.15),
    )
    folder = tmp_path_factory.mktemp("churn")
    raw = Table(simulated_customers)
    provenance = Provenance(dataset="churn", origin="simulated", description="2,000 rows", sha256="0" * 64, rows=raw.rows)
    built = build_features(raw, provenance, "duckdb", folder / "store")
    definition = built.manifest.definition
    customers, label = read_customers(built.table, definition)
    rows = planned_rows(built.table, definition)
    plan = plan_holdout(rows, built.manifest.features_sha256, config.holdout, seed=config.seed)
    development, _ = plan.places(rows)
    scored = score_out_of_fold(built.table, definition, plan, config.lightgbm, config.catboost, seed=config.seed)
    lightgbm = train_lightgbm(customers.take(development), label[development], config.lightgbm, seed=config.seed)
    catboost = train_catboost(customers.take(development), label[development], config.catboost, seed=config.seed)
    comparison = choose_model(scored, plan)
    return build_churn_bundle(
        folder / "bundle",
        built.table,
        definition,
        plan,
        lightgbm,
        catboost,
        scored,
        comparison,
        provenance=provenance,
        config=config,
    )


@pytest.fixture(scope="session")
def telco_model(tmp_path_factory: pytest.TempPathFactory) -> DeclaredModel:
    """A small churn model of the invented telco table with all that it was made from; tests must not change its files."""
    from tests.telco import train_telco

    return train_telco(tmp_path_factory.mktemp("telco"))


@pytest.fixture(scope="session")
def telco_bundle(telco_model: DeclaredModel) -> Bundle:
    """The bundle of ``telco_model``; tests must not change its files."""
    return telco_model.bundle


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRedis]:
    """A Redis of this machine that tests share; each has names of its own there."""
    from tests.redis_server import running_redis

    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server
