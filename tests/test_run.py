"""The front door: what it says, how it fails, and how fast it says no."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import run
from fusionguard.home import Home

PROJECT = Path(__file__).resolve().parents[1]


def _fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = run.main(list(arguments))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return status, err


def test_help_shows_defaults_and_examples_and_does_not_import_zenml() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "run.py", "--help"], cwd=PROJECT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    for word in ("--pipeline", "--stack", "--source", "--engine", "--config", "--set", "--no-cache", "--summary", "--quiet"):
        assert word in done.stdout
    assert "(default: what the data set is about, else fraud)" in " ".join(done.stdout.split())
    assert "python run.py --pipeline fraud --stack local --source simulated" in done.stdout
    for heavy in ("zenml", "pyarrow", "pydantic"):
        assert f" {heavy}\n" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--pipeline", "nope"), "Unknown pipeline 'nope'. Valid choices: churn, fraud, monitoring."),
        (("--stack", "nope"), "Unknown stack 'nope'. Valid choices: hpc, local."),
        (("--source", "nope"), "Unknown source 'nope'. Valid choices: auto, kaggle, simulated"),
        (("--source", "./nope.csv"), "The source './nope.csv' does not exist."),
        (("--pipeline", "Frud"), "Unknown pipeline 'Frud'. Did you mean 'fraud'? Valid choices: churn, fraud, monitoring."),
        (("--stack", "loacl"), "Unknown stack 'loacl'. Did you mean 'local'? Valid choices: hpc, local."),
        (("--source", "simulted"), "Unknown source 'simulted'. Did you mean 'simulated'? Valid choices: auto, kaggle,"),
        (("--engine", "sparc"), "'duckdb' or 'spark' (given: 'sparc'). Did you mean 'spark'? Correct it and run again."),
        (("--engine", "nope"), "'duckdb' or 'spark' (given: 'nope'). Correct it and run again."),
        (("--set", "rounds=3"), "Unknown key 'rounds'. Did you mean 'xgboost.rounds'?"),
        (("--config", "nope.yaml"), "There is no config file 'nope.yaml'."),
        (("--set", "xgboost.round=3"), "Unknown key 'xgboost.round'. Did you mean 'xgboost.rounds'?"),
        (("--set", "nonsense"), "'nonsense' is not an assignment."),
        (("--set", "data.rows=3"), "greater than or equal to 5000"),
        (("--summary", "nope/summary.json"), "There is no folder 'nope' for the summary."),
    ],
)
def test_a_mistake_is_one_line_and_status_2(
    home: Home, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    status, err = _fails(capsys, *arguments)
    assert status == 2
    assert said in err
    assert not home.state.exists()


DECLARED = "version: 1\nname: payments\nproblem: fraud\nlabel: chargeback\nnumeric: {amount: {missing: allow}}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--dataset", "creditcrd"],
            "Unknown data set 'creditcrd'. Did you mean 'creditcard'? Valid choices: bank_churn, card_transactions, creditcard,",
        ),
        (["--dataset", "{}/none.yaml"], "There is no declaration '{}/none.yaml'. Name a YAML file that declares a data set"),
        (["--dataset", "{}"], "The folder '{}' holds no declaration.yaml."),
        (
            ["--dataset", "{}/frod.yaml"],
            "frod.yaml, line 3: problem is \"frod\"; it must be one of churn, fraud. Did you mean 'fraud'?",
        ),
        (["--pipeline", "churn", "--dataset", "{}/right.yaml"], "the pipeline is churn. Run --pipeline fraud."),
        (["--dataset", "{}/right.yaml"], "right.yaml names no file of rows. Name one with --source FILE"),
        (["--pipeline", "monitoring", "--dataset", "creditcard"], "takes no --dataset. It reads the prediction log"),
        (
            ["--pipeline", "monitoring", "--set", "model=frad"],
            "Unknown model 'frad'. Did you mean 'fraud'? Valid choices: churn, fraud.",
        ),
    ],
)
def test_a_mistake_about_a_data_set_is_one_line(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    (tmp_path / "right.yaml").write_text(DECLARED)
    (tmp_path / "frod.yaml").write_text(DECLARED.replace("fraud", "frod"))
    status, err = _fails(capsys, *(word.format(tmp_path) for word in words))
    assert (status, said.format(tmp_path) in err) == (2, True), err
    assert not home.state.exists()


@pytest.mark.parametrize("pipeline", [[], ["--pipeline", "fraud"]])
def test_all_that_is_wrong_with_a_declaration_is_told_a_line_each(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str], pipeline: list[str]
) -> None:
    wrong = DECLARED.replace("payments", "monitoring").replace("missing: allow", "missing: alow") + "ignore: [x]\nunique: [ref]\n"
    (tmp_path / "d.yaml").write_text(wrong.replace("problem: fraud", "problem: churm"))
    assert run.main([*pipeline, "--dataset", str(tmp_path / "d.yaml")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.partition(": ")[0] for line in err.splitlines()] == [f"d.yaml, line {number}" for number in (3, 5, 6)]
    assert "Did you mean 'churn'?" in err and "Did you mean 'allow'?" in err and "Did you mean 'ignored'?" in err


def test_what_a_step_says_against_a_table_is_told_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    from fusionguard.datasets.faults import ContradictionError, Fault
    from fusionguard.errors import DataError
    from pipelines.failures import expected_failure

    try:
        try:
            raise ContradictionError("d.yaml", [Fault(9, "mcc  is empty in\trow 3"), Fault(4, "betrag holds 'x' in row 12")])
        except ContradictionError as error:
            raise RuntimeError("a step failed") from error
    except RuntimeError as error:
        failure = expected_failure(error)
    assert failure is not None
    assert run._refuse(failure) == 1
    assert capsys.readouterr().err == "d.yaml, line 4: betrag holds 'x' in row 12\nd.yaml, line 9: mcc is empty in row 3\n"
    assert run._refuse(DataError("Two lines\nof a library.")) == 1
    assert capsys.readouterr().err == "Two lines of a library.\n"


def test_an_unknown_option_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run.main(["--pipelin", "fraud"])
    assert caught.value.code == 2
    assert "unrecognized arguments: --pipelin fraud. Did you mean '--pipeline'?" in capsys.readouterr().err


def test_the_engine_of_monitoring_is_its_own_setting(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    status, err = _fails(capsys, "--pipeline", "monitoring", "--engine", "nope")
    assert (status, "Bad value for 'engine': Input should be 'duckdb' or 'spark'" in err) == (2, True), err
    status, err = _fails(capsys, "--pipeline", "monitoring", "--engine", "spark")
    assert (status, "There is no prediction log" in err) == (1, True), err


@pytest.mark.parametrize("source", ["simulated", "data/creditcard.csv", "auto"])
def test_monitoring_says_what_it_reads_instead_of_a_source(home: Home, capsys: pytest.CaptureFixture[str], source: str) -> None:
    status, err = _fails(capsys, "--pipeline", "monitoring", "--source", source)
    assert status == 2
    assert err.startswith("The pipeline 'monitoring' takes no --source. It reads the prediction log")
    assert all(words in err for words in ("--set model=", "--set window.hours=", "--set log=")), err
    assert "Unknown key" not in err and not home.state.exists()


def test_an_option_sets_what_the_pipeline_calls_so_or_is_refused(home: Home) -> None:
    from fusionguard.errors import UsageError
    from pipelines.catalog import CATALOG
    from tests.pipelines.toy_entry import ENTRY

    given = {"source": "it's #1.csv", "engine": "spark"}
    assert CATALOG["churn"].assignments(given) == ('data.source="it\'s #1.csv"', 'data.engine="spark"')
    assert CATALOG["monitoring"].assignments({"source": None, "engine": "spark"}) == ('engine="spark"',)
    assert ENTRY.assignments({"source": None, "engine": None}) == ()
    for flag in given:
        with pytest.raises(UsageError, match=f"'toy' takes no --{flag}. Leave --{flag} away"):
            ENTRY.assignments({flag: given[flag]})


@pytest.mark.parametrize("name", ["a: b.csv", "[x].csv", "it's #1.csv", "null"])
def test_a_source_is_taken_as_it_is_written(home: Home, capsys: pytest.CaptureFixture[str], name: str) -> None:
    status, err = _fails(capsys, "--source", f"./{name}")
    assert status == 2
    assert f"'./{name}' does not exist" in err


def test_a_mistake_is_found_without_importing_zenml() -> None:
    heavy = "bool({'zenml', 'sklearn', 'xgboost', 'torch', 'mlflow'} & set(sys.modules))"
    code = f"import sys, run; status = run.main(['--source', 'nope']); sys.exit(status + 10 * {heavy})"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2, done.stderr
