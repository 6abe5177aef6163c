"""The command line as people use it: exit statuses, one line for what went wrong, files whole or absent."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from fusionguard import __version__, cli
from fusionguard.data.provenance import Provenance
from fusionguard.datasets.bank_churn.schema import CHURN
from fusionguard.datasets.creditcard.schema import FRAUD
from fusionguard.evaluation.gate import GateVerdict
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.registry.server import _first_page
from tests.fakes import churn
from tests.registry.conftest import run_named
from tests.registry.test_run_page import trial

COMMAND = (sys.executable, "-c", "from fusionguard.cli import main; main()")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command in this process; return its exit status, stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["fusionguard", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        streams = capsys.readouterr()
        return int(ended.value.code or 0), streams.out, streams.err

    return call


Run = Callable[..., tuple[int, str, str]]


def test_help_needs_no_heavy_import_and_names_the_commands() -> None:
    heavy = "{'mlflow', 'torch', 'pandas', 'xgboost', 'duckdb', 'pyarrow', 'numpy', 'zenml'}"
    code = f"import sys, fusionguard.cli\nprint(sorted({heavy} & set(sys.modules)))\nfusionguard.cli.main()"
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("[]\n")
    for command in ("simulate", "score", "doctor", "mlflow"):
        assert command in done.stdout


def test_version(run: Run) -> None:
    assert run("--version") == (0, f"{__version__}\n", "")


@pytest.mark.parametrize("arguments", [["nonsense"], ["score"], ["simulate", "--rows", "many"], ["simulate", "--rows", "5"]])
def test_a_wrong_usage_exits_with_2(run: Run, arguments: list[str]) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert "Traceback" not in err


def test_an_unknown_dataset_lists_the_known(run: Run, tmp_path: Path) -> None:
    status, _, err = run("simulate", "--dataset", "weather", "--output", tmp_path / "x.csv")
    assert status == 2
    assert "Valid choices: bank_churn, card_transactions, churn, creditcard, fraud." in err


@pytest.mark.parametrize("name", ["payments.yaml", "./declared"])
def test_rows_of_a_declared_data_set_are_not_simulated(run: Run, home: Home, name: str) -> None:
    status, out, err = run("simulate", "--dataset", name, "--output", "x.csv")
    assert (status, out) == (2, "")
    assert f"'{name}' is a declared data set, and nobody has written a simulator of its rows. Simulate creditcard, " in err
    assert "or card_transactions, or use the data set's own rows." in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["scor"], "No such command 'scor'. Did you mean 'score'"),
        (["simulate", "--dataset", "frud", "-o", "x.csv"], "Unknown data set 'frud'. Did you mean 'fraud'?"),
        (["simulate", "traffic", "--drift", "covariate-shft"], "Unknown drift 'covariate-shft'. Did you mean 'covariate-shift'?"),
        (["score", "-m", "chrun@champion", "-i", "x", "-o", "y.csv"], "Unknown model 'chrun'. Did you mean 'churn'?"),
    ],
)
def test_a_mistyped_word_is_named_with_the_one_that_was_meant(run: Run, home: Home, arguments: list[str], said: str) -> None:
    status, _, err = run(*arguments)
    assert status == 2
    assert said in err


def test_simulate_writes_customers(run: Run, tmp_path: Path) -> None:
    status, out, err = run("simulate", "--dataset", "bank_churn", "--rows", 500, "--seed", 5, "--output", tmp_path / "a.csv")
    assert (status, out) == (0, "")
    assert err == f"Wrote 500 SIMULATED customers (seed 5) to {tmp_path / 'a.csv'}.\n"
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[0] == ",".join(CHURN.columns)
    assert len(lines) == 501


def test_simulate_writes_rows_of_a_declaration_and_their_truth(run: Run, tmp_path: Path) -> None:
    asked = ["simulate", "--dataset", "card_transactions", "--rows", 10_000, "--seed", 5, "--output", tmp_path / "a.csv"]
    status, out, err = run(*asked, "--truth", tmp_path / "true.parquet", "--without", "stolen_card", "--until", "2024-04-01")
    assert (status, out) == (0, "")
    rows = (tmp_path / "a.csv").read_text().splitlines()[1:]
    assert 3_000 < len(rows) < 6_000 and max(row.split(",")[1] for row in rows) < "2024-04-01"
    written = f"Wrote {len(rows):,} SIMULATED transactions (seed 5) to {tmp_path / 'a.csv'}"
    assert err == f"{written}, and the truth to {tmp_path / 'true.parquet'}.\n"
    assert "stolen_card" not in pq.read_table(tmp_path / "true.parquet")["kind"].to_pylist()
    assert {path.name for path in tmp_path.iterdir()} == {"a.csv", "true.parquet"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--dataset", "card_transactions", "--without", "stolencard"], "Unknown kind 'stolencard'. Did you mean 'stolen_card'?"),
        (["--dataset", "card_transactions", "--until", "2020-01-01"], "No row is left of what is simulated. Ask for more rows,"),
        (["--dataset", "card_transactions", "--truth", "t.txt"], "Unknown output format '.txt'."),
        (["--dataset", "churn", "--without", "leavers"], "Rows of churn have no --without. Leave it out; rows of card_tran"),
        (["--since", "2024-03-01"], "Rows of fraud have no --since. Leave it out"),
    ],
)
def test_what_cannot_be_chosen_is_told_and_nothing_is_written(run: Run, arguments: list[str], said: str, tmp_path: Path) -> None:
    status, out, err = run("simulate", "--rows", 1_000, "--output", tmp_path / "a.csv", *arguments)
    assert (status, out) == (2, "") and said in err
    assert not any(tmp_path.iterdir())


def test_the_truth_does_not_overwrite_the_rows(run: Run, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    same = tmp_path / "folder" / ".." / "a.csv"
    asked = ["simulate", "--dataset", "card_transactions", "--rows", 1_000, "--output", tmp_path / "a.csv", "--truth", same]
    status, out, err = run(*asked)
    assert (status, out) == (2, "") and "The truth would overwrite the rows in" in err
    assert not (tmp_path / "a.csv").exists()


def test_simulate_makes_as_many_customers_as_the_published_file_has(run: Run, tmp_path: Path) -> None:
    status, _, err = run("simulate", "--dataset", "churn", "--output", tmp_path / "a.parquet")
    assert status == 0
    assert "Wrote 10,000 SIMULATED customers" in err
    assert pq.read_metadata(tmp_path / "a.parquet").num_rows == 10_000


def test_simulate_writes_kaggles_layout_the_same_in_every_format(run: Run, tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv", "c.csv.gz", "d.parquet"):
        status, out, err = run("simulate", "--rows", 2000, "--seed", 5, "--output", tmp_path / name)
        assert (status, out) == (0, "")
        assert "SIMULATED" in err
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert (tmp_path / "a.csv").read_text().splitlines()[0] == ",".join(FRAUD.columns)
    table = pq.read_table(tmp_path / "d.parquet")
    assert table.num_rows == 2000
    for name in ("a.csv", "c.csv.gz"):
        types = pacsv.ConvertOptions(column_types=table.schema)
        assert pacsv.read_csv(tmp_path / name, convert_options=types).equals(table)
    assert {path.name for path in tmp_path.iterdir()} == {"a.csv", "b.csv", "c.csv.gz", "d.parquet"}


def test_an_unknown_format_is_one_line_with_the_choices(run: Run, tmp_path: Path) -> None:
    status, out, err = run("simulate", "--rows", 200, "--output", tmp_path / "x.xlsx")
    assert (status, out) == (2, "")
    assert err == "fusionguard: Unknown output format '.xlsx'. Valid choices: .csv, .csv.gz, .parquet.\n"


def test_ctrl_c_exits_with_130_and_leaves_nothing(tmp_path: Path) -> None:
    command = [*COMMAND, "simulate", "--rows", "20000000", "--output", str(tmp_path / "x.csv")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        # Rows in the file say that every module is loaded: one of Cython's swallows a Ctrl-C that comes while it loads.
        while not any(file.stat().st_size > len(b"PAR1") for file in tmp_path.glob(".fusionguard-*/.raw.parquet.*")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == cli.INTERRUPTED
    assert err.strip() == "fusionguard: stopping; nothing half-written is left (Ctrl-C again ends it at once)"
    assert list(tmp_path.iterdir()) == []


def test_score_with_a_bundles_folder(run: Run, fraud_bundle: Bundle, simulated_raw: Path, home: Home, tmp_path: Path) -> None:
    status, out, err = run("score", "-m", fraud_bundle.folder, "-i", simulated_raw, "-o", tmp_path / "scores.csv")
    assert (status, out) == (0, "")
    assert f"Model {fraud_bundle.version} was trained on SIMULATED data" in err
    scores = pacsv.read_csv(tmp_path / "scores.csv").to_pydict()
    assert len(scores["row"]) == 20_000
    assert list(scores) == ["row", "score", "probability", "decision", "expected_saving", "reasons", "model_version"]
    reviews = scores["decision"].count("review")
    assert f"Scored 20,000 transactions, {reviews:,} to review, with model {fraud_bundle.version}" in err
    assert not home.root.exists()


def test_score_with_the_champion_and_what_the_doctor_says(
    run: Run, fraud_bundle: Bundle, simulated_raw: Path, home: Home, tmp_path: Path
) -> None:
    from fusionguard.registry.aliases import set_alias
    from fusionguard.registry.register import register_bundle

    status, _, err = run("score", "-m", "fraud@champion", "-i", simulated_raw, "-o", tmp_path / "scores.csv")
    assert (status, err.count("\n")) == (1, 1)
    assert "no model registry" in err
    assert "make fraud" in err

    provenance = Provenance(dataset="fraud", origin="simulated", description="20,000 rows", sha256="0" * 64, rows=20_000)
    version = register_bundle(home, fraud_bundle, metrics={}, plots={}, provenance=provenance, config={})
    set_alias(home, "fraud", "champion", version.version, why="a test says so")
    assert run("score", "-m", "fraud@champion", "-i", simulated_raw, "-o", tmp_path / "scores.parquet")[0] == 0
    assert set(pq.read_table(tmp_path / "scores.parquet")["model_version"].to_pylist()) == {fraud_bundle.version}

    status, _, err = run("score", "-m", "fraud@winner", "-i", simulated_raw, "-o", tmp_path / "scores.csv")
    assert (status, err) == (
        2,
        "fusionguard: Unknown version or alias of 'fusionguard-fraud' 'winner'. Valid choices: 1, champion.\n",
    )

    status, out, _ = run("doctor")
    assert status == 0
    assert f"version 1, bundle {fraud_bundle.version}, trained on SIMULATED data" in out
    (stored,) = home.mlflow_artifacts.glob("models/*/artifacts/artifacts/bundle/policy.json")
    stored.unlink()
    status, out, _ = run("doctor")
    assert status == 1
    assert "BROKEN  fraud champion" in out
    status, _, err = run("score", "-m", "fraud@champion", "-i", simulated_raw, "-o", tmp_path / "scores.csv")
    assert status == 1
    assert "lacks policy.json" in err


def test_score_of_a_churn_model_speaks_of_customers(
    run: Run, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    churn.install(monkeypatch)
    bundle = churn.seal_bundle(tmp_path / "bundle")
    pacsv.write_csv(churn.customers(), tmp_path / "customers.csv")
    status, out, err = run("score", "-m", bundle.folder, "-i", tmp_path / "customers.csv", "-o", tmp_path / "scores.csv")
    assert (status, out) == (0, "")
    assert "was trained on SIMULATED data: its scores say nothing about real customers." in err
    assert f"Scored 4 customers, 2 to get an offer, with model {bundle.version}" in err
    assert pacsv.read_csv(tmp_path / "scores.csv")["decision"].to_pylist() == ["offer", "offer", "none", "none"]
    assert not [name for name in churn.customers()["Surname"].to_pylist() if name in (tmp_path / "scores.csv").read_text()]


@pytest.mark.parametrize("letters", [250, 300])
def test_a_name_that_is_too_long_is_one_line(
    letters: int, run: Run, fraud_bundle: Bundle, simulated_raw: Path, tmp_path: Path
) -> None:
    long = tmp_path / f"{letters * 'a'}.csv"
    status, out, err = run("score", "-m", fraud_bundle.folder, "-i", simulated_raw, "-o", long)
    assert (status, out) == (2, "") and "is too long for the file system" in err.splitlines()[-1]
    assert "Traceback" not in err and list(tmp_path.iterdir()) == []


def test_a_folder_that_may_not_be_looked_into_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused() -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/private/rows.csv")

    monkeypatch.setattr(cli, "app", refused)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "fusionguard: You may not use '/private/rows.csv'. Change its permissions, or ask its owner to.\n"
    )


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("missing/x.csv", "There is no folder '{}' for the "),
        ("/proc/x.csv", "Cannot write {}: its folder takes no new files. The file system is read-only: choose another folder."),
        ("folder.csv", "'{}' is a folder. Name a file for the "),
        ("pipe.csv", "'{}' is a pipe or a device. Name a file for the "),
        ("file/x.csv", "'{}' is a file, not a folder for the "),
        ("\udcff.csv", "\\udcff.csv' is not UTF-8. Rename it."),
        (f"{'a' * 300}/x.csv", "...' is too long for the file system. Choose a shorter one."),
    ],
)
@pytest.mark.parametrize("command", ["score", "simulate", "release", "key"])
def test_what_cannot_be_written_is_one_line_before_any_work(
    command: str, place: str, said: str, run: Run, fraud_bundle: Bundle, simulated_raw: Path, home: Home, tmp_path: Path
) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "folder.csv" / "kept").touch()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe.csv")
    before = sorted(tmp_path.rglob("*"))
    if place == "folder.csv" and command == "release":
        said = "'{}' holds something else than a release, which would replace it. Name an empty or a new folder."
    if place == "pipe.csv" and command == "release":
        said = said.replace("file", "folder")
    arguments = {
        "score": ["-m", fraud_bundle.folder, "-i", simulated_raw, "-o"],
        "simulate": ["--rows", 200, "-o"],
        "release": ["-m", fraud_bundle.folder, "-o"],
        "key": ["mobile", "--keys"],
    }
    target = tmp_path / place
    status, out, err = run(command, *arguments[command], target)
    assert (status, out, err.count("\n")) == (2, "", 1)
    shown = target.parent if place in ("missing/x.csv", "file/x.csv") else target
    assert said.format(shown) in err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_release_replaces_nothing_but_a_release(run: Run, fraud_bundle: Bundle, home: Home, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("kept")
    for _ in range(2):
        assert run("release", "-m", fraud_bundle.folder, "-o", tmp_path / "empty")[0] == 0
    assert (tmp_path / "empty" / "release.json").is_file()
    status, _, err = run("release", "-m", fraud_bundle.folder, "-o", tmp_path / "file")
    assert (status, (tmp_path / "file").read_text()) == (2, "kept") and "is a file. Name a folder for the release." in err


def test_a_pipe_is_not_said_to_be_missing(run: Run, fraud_bundle: Bundle, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "rows")
    status, _, err = run("score", "-m", fraud_bundle.folder, "-i", tmp_path / "rows", "-o", tmp_path / "y.csv")
    assert status == 2 and "rows' is a pipe or a device, which cannot be read twice." in err


def test_an_empty_id_is_not_taken_for_none(run: Run, fraud_bundle: Bundle, simulated_raw: Path, tmp_path: Path) -> None:
    status, _, err = run("score", "-m", fraud_bundle.folder, "-i", simulated_raw, "-o", tmp_path / "x.csv", "--id", "")
    assert (status, list(tmp_path.iterdir())) == (2, []) and "--id names no column" in err


def test_bad_input_is_one_line_that_names_the_row(run: Run, fraud_bundle: Bundle, tmp_path: Path) -> None:
    run("simulate", "--rows", 200, "--output", tmp_path / "x.csv")
    lines = (tmp_path / "x.csv").read_text().splitlines()
    lines[7] = lines[7].replace(",", ",oops", 1)
    (tmp_path / "x.csv").write_text("\n".join(lines))
    status, out, err = run("score", "-m", fraud_bundle.folder, "-i", tmp_path / "x.csv", "-o", tmp_path / "y.csv")
    assert (status, out) == (1, "")
    assert re.search(r"^fusionguard: x\.csv, row 6 \(line 8\).*V1.*oops", err, re.MULTILINE)
    assert not (tmp_path / "y.csv").exists()


def test_a_taken_port_that_was_asked_for_is_said(run: Run, home: Home) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        status, _, err = run("mlflow", "--port", taken.getsockname()[1])
    assert status == 2
    assert "is taken" in err
    assert not home.root.exists()


def test_a_damaged_registry_is_said_before_any_server_starts(run: Run, home: Home) -> None:
    home.state.mkdir(parents=True)
    (home.state / "mlflow.db").write_bytes(b"cut off")
    status, _, err = run("mlflow")
    assert status == 1
    assert "nothing was changed" in err


@pytest.mark.full
def test_mlflows_server_is_for_loopback_only_serves_as_a_registry_and_ends_with_the_command(
    home: Home, fraud_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        subprocess.Popen([*COMMAND, "mlflow"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
        contextlib.ExitStack() as at_the_end,
    ):
        at_the_end.callback(process.terminate)  # also where an assertion fails: leaving a server waits for its end
        assert process.stdout is not None
        line = process.stdout.readline()
        address = re.fullmatch(r"MLflow: (http://127\.0\.0\.1:\d+)/#/models\?workflowType=machine_learning .*\n", line)
        assert address, f"{line!r} {process.stderr.read() if process.stderr else ''}"
        url = address.group(1)
        assert b"<html" in _get(url, url.removeprefix("http://"))
        with pytest.raises(urllib.error.HTTPError, match="403") as refused:
            _get(url, "elsewhere.example")
        refused.value.close()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
        capsys.readouterr()
        _use_as_registry(Home(tmp_path / "another machine"), fraud_bundle)
        assert "View run" not in capsys.readouterr().out, "MLflow's own lines have no place in a run's output"
        assert re.fullmatch(r"#/experiments/\d+/runs\?workflowType=machine_learning", _first_page(home, url)), (
            "now there are runs"
        )
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == cli.INTERRUPTED
    with pytest.raises(urllib.error.URLError, match="refused"):
        _get(url, "127.0.0.1")
    assert not _processes_naming(str(home.root))


def _use_as_registry(home: Home, bundle: Bundle) -> None:
    from fusionguard.registry.aliases import champion, resolve_bundle, set_alias
    from fusionguard.registry.gate import keep_verdict
    from fusionguard.registry.overview import read_overview
    from fusionguard.registry.register import attach_files, register_bundle
    from fusionguard.registry.runs import end_runs
    from fusionguard.registry.tracking import open_store

    provenance = Provenance(dataset="fraud", origin="simulated", description="20,000 rows", sha256="0" * 64, rows=20_000)
    metrics, made_by = {"test_average_precision": 0.5}, run_named("one")
    version = register_bundle(
        home,
        bundle,
        metrics=metrics,
        plots={"p": b"png"},
        provenance=provenance,
        config={},
        run=made_by,
        trials=(trial(1, 0.25),),
    )
    keep_verdict(home, version, GateVerdict(promoted=True, challenger_version="1", reason="There is no champion yet."))
    attach_files(home, version, {"model_card.md": b"# Card"}, card="# Card")
    client = open_store(home)
    assert client.get_run(version.run_id).info.status == "RUNNING"
    end_runs(home, "one", "FINISHED")
    page = client.get_run(version.run_id)
    assert (page.info.status, page.info.user_id, page.info.start_time) == ("FINISHED", "anna", made_by.began.timestamp() * 1000)
    assert page.inputs.dataset_inputs[0].dataset.digest == "0" * 36 and len(page.outputs.model_outputs) == 1
    below = client.search_runs([page.info.experiment_id], f"tags.mlflow.parentRunId = '{version.run_id}'")
    assert [run.data.metrics for run in below] == [{"tuning_average_precision": 0.25}]
    described = client.get_model_version(version.name, "1").description
    assert described.endswith("**Gate:** Promoted to champion. There is no champion yet.\n\n---\n\n# Card")
    assert not register_bundle(home, bundle, metrics={}, plots={}, provenance=provenance, config={}).created
    set_alias(home, "fraud", "champion", version.version, why="a test says so")
    assert champion(home, "fraud") is not None
    overview = read_overview(home, "fraud")
    assert [(move.alias, move.after, move.why) for move in overview.moves] == [("champion", 1, "a test says so")]
    assert [each.value for each in overview.versions] == [0.5] and not overview.unexplained()
    for _ in range(2):
        downloaded = resolve_bundle(home, "fraud@champion")
        assert downloaded.sha256 == bundle.sha256
        assert home.root in downloaded.folder.parents
        (downloaded.folder / "policy.json").write_text("damaged on this disk, so fetched again")


def _get(url: str, host: str) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Host": host}), timeout=20) as answer:
        return bytes(answer.read())


def _processes_naming(text: str) -> list[str]:
    """Return the command lines and environments of other processes that name ``text``."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            content = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if text.encode() in content and int(process.name) != os.getpid():
            found.append(process.name)
    return found
