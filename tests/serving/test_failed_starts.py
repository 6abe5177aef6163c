"""Starts that fail: one line that says what to do, an exit status, and a disk as it was. Each kind, for both services."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fusionguard import cli
from fusionguard.data.provenance import Provenance
from fusionguard.errors import BundleError, MissingExtraError, UsageError
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.registry.aliases import set_alias
from fusionguard.registry.register import register_bundle
from fusionguard.serving import launch
from fusionguard.serving.keys import add_key
from fusionguard.serving.launch import rehearse
from fusionguard.serving.release import write_release
from fusionguard.serving.settings import ServeSettings
from fusionguard.serving.start_checks import as_address, check_folder, check_listening
from tests.serving.conftest import released

FREE_PORT = 39999
NOT_OURS = "192.0.2.77"
"""Of a network that documents alone use."""


@dataclass
class Kind:
    """What is wrong: a command's options, its environment, what it says, and how it comes about."""

    options: tuple[str, ...]
    said: str
    status: int = 2
    environment: dict[str, str] = field(default_factory=dict)
    spoil: Callable[[Path], None] = lambda folder: None


def empty(folder: Path) -> None:
    (folder / "keys.json").write_text("")


def open_to_all(folder: Path) -> None:
    (folder / "keys.json").chmod(0o666)


def damage(folder: Path) -> None:
    with (folder / "given" / "fraud-champion" / "policy.json").open("a") as file:
        file.write(" ")


BOTH = {
    "port taken": Kind(("--port", "TAKEN"), "Port TAKEN of 127.0.0.1 is taken. End what listens there"),
    "no such address": Kind(("--host", NOT_OURS, "--keys", "FOLDER/keys.json"), f"{NOT_OURS} is no address of this machine."),
    "host is a name": Kind(("--host", "risk.example"), "Listening on risk.example needs keys"),
    "no keys, not loopback": Kind(("--host", "0.0.0.0"), "Listening on 0.0.0.0 needs keys"),
    "keys absent": Kind(("--keys", "FOLDER/none.json"), "cannot be read: No such file or directory. Make one"),
    "keys a folder": Kind(("--keys", "FOLDER/given"), "cannot be read: Is a directory. Make one"),
    "keys empty": Kind(("--keys", "FOLDER/keys.json"), "is not a file of keys. Make one", spoil=empty),
    "keys open to all": Kind(("--keys", "FOLDER/keys.json"), "Everybody may write to the file of keys", spoil=open_to_all),
    "BentoML's folder": Kind((), "FOLDER/file is a file.", 1, {"BENTOML_HOME": "FOLDER/file/below"}),
}
SCORING = BOTH | {
    "unknown setting": Kind((), "Unknown setting FUSIONGUARD_SERVE_WORKERZ.", environment={"FUSIONGUARD_SERVE_WORKERZ": "2"}),
    "bad setting": Kind((), "Correct the variable.", environment={"FUSIONGUARD_SERVE_CONNECTIONS": "many"}),
    "damaged release": Kind((), "not the file that was saved", 1, {"FUSIONGUARD_SERVE_RELEASE": "FOLDER/given"}, damage),
    "no release": Kind((), "is not a release", 1, {"FUSIONGUARD_SERVE_RELEASE": "FOLDER/nowhere"}),
    "log cannot be written": Kind((), "Cannot write in FOLDER/file/log", 1, {"FUSIONGUARD_SERVE_LOG": "FOLDER/file/log"}),
    "no such model": Kind(("--model", "fraud@77"), "Unknown version or alias of 'fusionguard-fraud' '77'"),
    "no registry": Kind((), "There is no model registry at", 1, {"FUSIONGUARD_HOME": "FOLDER/empty"}),
}
ASSISTANT = BOTH | {
    "unknown setting": Kind((), "Unknown setting FUSIONGUARD_CONSOLE_FONT.", environment={"FUSIONGUARD_CONSOLE_FONT": "2"}),
    "no language model": Kind(("--model", "FOLDER/none.gguf"), "There is no language model"),
    "index cannot be written": Kind((), "Cannot write in FOLDER/file", 1, {"FUSIONGUARD_ASSISTANT_INDEX": "FOLDER/file/index"}),
}
KINDS = [("serve", name, kind) for name, kind in SCORING.items()] + [
    ("assistant", name, kind) for name, kind in ASSISTANT.items()
]

IN_A_PROCESS = {
    *(("serve", name) for name in ("port taken", "keys open to all", "BentoML's folder", "damaged release", "no registry")),
    *(("assistant", name) for name in ("port taken", "BentoML's folder", "index cannot be written")),
}
"""What is started as a user does, too: a kind of each check that could behave otherwise in a process of its own."""


def each_of(kinds: list[tuple[str, str, Kind]]) -> pytest.MarkDecorator:
    """Ask for a command and a kind of these."""
    return pytest.mark.parametrize(("command", "kind"), [(c, k) for c, _, k in kinds], ids=[f"{c}: {n}" for c, n, _ in kinds])


@pytest.fixture(scope="module")
def taken() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@pytest.fixture(scope="module")
def registered(
    fraud_bundle: Bundle, other_bundle: Bundle, blank_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with a home whose release is older than its champion, a release of its own, keys, and a file."""
    folder = tmp_path_factory.mktemp("registered")
    home = Home(folder / "home")
    home.state.mkdir(parents=True)
    shutil.copy(blank_database, home.state / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        about = Provenance(dataset="fraud", origin="simulated", description="simulated rows", sha256="0" * 64, rows=9)
        version = register_bundle(home, fraud_bundle, metrics={"a": 0.5}, plots={}, provenance=about, config={})
        set_alias(home, "fraud", "champion", version.version, why="a test says so")
    for release in (launch.release_folder(home), folder / "given"):
        write_release(release, released({"fraud-champion": other_bundle}))
    add_key(folder / "keys.json", "somebody")
    (folder / "file").write_text("")
    return folder


@pytest.fixture
def folder(registered: Path, tmp_path: Path) -> Path:
    """The same in a folder of the test's own."""
    return shutil.copytree(registered, tmp_path / "folder")


@dataclass
class Command:
    """A command of a kind, as it is typed."""

    words: list[str]
    environment: dict[str, str]
    said: str
    status: int


def make(command: str, kind: Kind, folder: Path, taken: int) -> Command:
    """Spoil the folder, and fill in where things are."""
    kind.spoil(folder)

    def filled(text: str) -> str:
        return text.replace("FOLDER", str(folder)).replace("TAKEN", str(taken))

    options = [filled(word) for word in kind.options]
    options += [] if "--port" in options else ["--port", str(FREE_PORT)]
    environment = {"FUSIONGUARD_HOME": str(folder / "home")}
    environment |= {name: filled(value) for name, value in kind.environment.items()}
    return Command([command, *options], environment, filled(kind.said), kind.status)


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file with its inode and its bytes: one that was written anew with the same bytes differs."""
    return {str(file): (file.stat().st_ino, file.read_bytes()) for file in sorted(folder.rglob("*")) if file.is_file()}


def cleaned() -> dict[str, str]:
    names = ("FUSIONGUARD_", "MLFLOW_TRACKING", "BENTOML_")
    return {name: value for name, value in os.environ.items() if not name.startswith(names)}


@each_of(KINDS)
def test_a_start_that_cannot_go_well_says_so_in_one_line_and_writes_nothing(
    command: str,
    kind: Kind,
    folder: Path,
    taken: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    typed = make(command, kind, folder, taken)
    before = state(folder)
    for name in set(os.environ) - set(cleaned()):
        monkeypatch.delenv(name)
    for name, value in typed.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["fusionguard", *typed.words])
    monkeypatch.setattr(launch, "become", lambda *_: pytest.fail("it is started"))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capfd.readouterr()
    assert (ended.value.code, out, err.count("\n")) == (typed.status, "", 1), out + err
    assert err.startswith("fusionguard: ") and typed.said in err
    assert state(folder) == before


def start(typed: Command, **more: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("fusionguard")
    environment = cleaned() | typed.environment | more
    return subprocess.run([program, *typed.words], env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.full
@each_of([kind for kind in KINDS if kind[:2] in IN_A_PROCESS])
def test_it_does_so_as_a_user_starts_it(command: str, kind: Kind, folder: Path, taken: int) -> None:
    typed = make(command, kind, folder, taken)
    before = state(folder)
    done = start(typed)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (typed.status, "", 1), done.stdout + done.stderr
    assert typed.said in done.stderr
    assert state(folder) == before


def test_in_json_the_line_is_an_object(
    folder: Path, taken: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FUSIONGUARD_HOME", str(folder / "home"))
    for command in ("serve", "assistant"):
        monkeypatch.setattr(sys, "argv", ["fusionguard", command, "--port", str(taken), "--log-format", "json"])
        with pytest.raises(SystemExit, match="2"):
            cli.main()
        out, err = capfd.readouterr()
        line = json.loads(err)
        assert (out, line["level"]) == ("", "critical") and line["message"].startswith(f"Port {taken} of 127.0.0.1 is taken.")


def test_without_bentoml_one_line_says_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name == "bentoml":
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    before = state(folder)
    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setenv("FUSIONGUARD_HOME", str(folder / "home"))
    monkeypatch.setattr(sys, "argv", ["fusionguard", "serve"])
    with pytest.raises(SystemExit, match=str(MissingExtraError.exit_status)):
        cli.main()
    out, err = capfd.readouterr()
    assert (out, err) == ("", "fusionguard: The service needs bentoml. Install what is missing: pip install fusionguard\n")
    assert state(folder) == before


SETTINGS = ServeSettings(release=Path("/a/release"))


def test_a_release_that_no_worker_could_start_with_does_not_take_the_place_of_another(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FUSIONGUARD_HOME", str(folder / "home"))
    monkeypatch.setattr(sys, "argv", ["fusionguard", "serve", "--port", str(FREE_PORT)])
    before = state(folder)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "prometheus_client", None)  # what a worker alone imports, and cannot
        with pytest.raises(SystemExit, match="1"):
            cli.main()
    out, err = capfd.readouterr()
    assert out == "" and err.startswith("fusionguard: No worker could start: ModuleNotFoundError: import of prometheus_client")
    assert err.count("\n") == 1 and state(folder) == before
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "prometheus_client", None)
        patch.setenv("FUSIONGUARD_VERBOSE", "")
        for form in ("text", "json"):
            patch.setattr(sys, "argv", ["fusionguard", "serve", "--port", str(FREE_PORT), "--verbose", "--log-format", form])
            with pytest.raises(SystemExit, match="1"):
                cli.main()
            told = capfd.readouterr().err.splitlines()[-1]
            if form == "text":
                assert told.startswith("fusionguard: No worker could start: ModuleNotFoundError")
            else:
                where = json.loads(told)["exception"]
                assert where.startswith("Traceback") and "in start_and_stop" in where and "from prometheus_client import" in where

    class StartedError(Exception):
        pass

    def become(command: list[str], environment: dict[str, str]) -> None:
        raise StartedError

    monkeypatch.setattr(launch, "become", become)
    with pytest.raises(StartedError):
        cli.main()
    written = state(folder)
    assert written != before, "with what it needs, the champion of now is released"
    with pytest.raises(StartedError):
        cli.main()
    assert state(folder) == written, "and not written again"


def test_what_a_worker_loads_is_tried(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    with pytest.raises(BundleError, match="No worker could start: '/a/release' is not a release"):
        rehearse(SETTINGS, tmp_path / "made")


def test_folders_and_ports_are_left_as_they_were(tmp_path: Path) -> None:
    check_folder(tmp_path / "a" / "b" / "c")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(Exception, match="dangling"):
        check_folder(tmp_path / "dangling" / "below")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    check_listening("127.0.0.1", port)
    check_listening("127.0.0.1", port)
    with socket.socket(socket.AF_INET6) as listening:
        listening.bind(("::1", 0))
        listening.listen()
        with pytest.raises(UsageError, match="of ::1 is taken"):
            check_listening("::1", listening.getsockname()[1])


def bentoml_serve(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A start as an image makes it, without the command that looks first."""
    command = [sys.executable, "-m", "bentoml", "serve", launch.SERVICE, *options]
    given = cleaned() | launch.QUIET | {"BENTOML_HOME": str(folder / "bentoml")} | environment
    return subprocess.run(command, env=given, cwd=folder, capture_output=True, text=True, timeout=200)


def test_an_image_whose_port_is_taken_says_so_in_one_line(folder: Path, taken: int) -> None:
    done = bentoml_serve(folder, "--port", str(taken), FUSIONGUARD_SERVE_RELEASE=str(folder / "given"))
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr == f"fusionguard: Port {taken} of 0.0.0.0 is taken. End what listens there, or choose another one: --port.\n"
    )


CRASHES = """
import os, sys
if "--fd" in sys.argv:
    os.kill(os.getpid(), 11)
"""


@pytest.mark.full
@pytest.mark.parametrize("form", ["text", "json"])
def test_workers_that_crash_end_the_service_in_one_line(folder: Path, tmp_path: Path, form: str) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "prometheus_client.py").write_text(CRASHES)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    given = {"FUSIONGUARD_SERVE_RELEASE": str(folder / "given"), "FUSIONGUARD_SERVE_LOG_FORMAT": form}
    before = state(folder / "given")
    done = bentoml_serve(folder, "--host", "127.0.0.1", "--port", str(port), PYTHONPATH=str(tmp_path / "first"), **given)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stdout + done.stderr
    message = json.loads(done.stderr)["message"] if form == "json" else done.stderr.strip().removeprefix("fusionguard: ")
    assert message == "No worker could start: they were ended by SIGSEGV, 2 times. See fusionguard doctor."
    assert state(folder / "given") == before


def test_localhost_is_the_address_it_is_everywhere() -> None:
    assert [as_address(host) for host in ("localhost", "0.0.0.0", "risk.example")] == ["127.0.0.1", "0.0.0.0", "risk.example"]
    with pytest.raises(UsageError, match=r"'risk\.example' is no IP address\. Use 127\.0\.0\.1"):
        check_listening("risk.example", 3000)
