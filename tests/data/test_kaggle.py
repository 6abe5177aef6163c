"""The Kaggle source, with the real client, against a Kaggle on loopback."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fusionguard.data.kaggle import KaggleSource, find_credentials
from fusionguard.datasets.creditcard.schema import FRAUD
from fusionguard.datasets.resolve_source import resolve_source
from fusionguard.errors import SourceError, StorageError
from fusionguard.home import Home
from tests.fakes.kaggle import KEY, TOKEN, USERNAME, FakeKaggle, serve_kaggle

ROWS = 3_000


def _csv() -> bytes:
    rng = np.random.default_rng(0)
    lines = [",".join(f'"{name}"' for name in FRAUD.columns)]
    for row in range(ROWS):
        values = ",".join(repr(float(value)) for value in rng.standard_normal(28))
        lines.append(f'{row},{values},{row % 50}.25,"{int(row % 100 == 0)}"')
    return "\n".join(lines).encode() + b"\n"


CSV = _csv()


@pytest.fixture
def no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user of this machine who never heard of Kaggle; returns the home folder."""
    user = tmp_path / "user"
    user.mkdir()
    monkeypatch.setenv("HOME", str(user))
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_CONFIG_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    return user


@pytest.fixture
def fake(no_credentials: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKaggle]:
    """Kaggle on loopback behind the real client, which does not wait between its attempts."""
    import kagglesdk.kaggle_env as environment
    from kaggle.api import kaggle_api_extended

    clock = kaggle_api_extended.time
    monkeypatch.setattr(kaggle_api_extended, "time", SimpleNamespace(sleep=lambda _: None, mktime=clock.mktime, time=clock.time))
    with serve_kaggle() as server:
        server.hold(FRAUD.file_name, CSV)
        monkeypatch.setitem(environment._env_to_endpoint, environment.KaggleEnv.PROD, server.address)
        yield server


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch, no_credentials: Path) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)


def _give(style: str, user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if style == "token variable":
        monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    elif style == "token file":
        (user / ".kaggle").mkdir()
        (user / ".kaggle" / "access_token").write_text(TOKEN + "\n")
    elif style == "key variables":
        monkeypatch.setenv("KAGGLE_USERNAME", USERNAME)
        monkeypatch.setenv("KAGGLE_KEY", KEY)
    else:
        folder = user / "elsewhere" if style == "config folder" else user / ".config" / "kaggle"
        folder.mkdir(parents=True)
        (folder / "kaggle.json").write_text(json.dumps({"username": USERNAME, "key": KEY}))
        (folder / "kaggle.json").chmod(0o600)
        if style == "config folder":
            monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(folder))


@pytest.mark.parametrize("style", ["token variable", "token file", "key variables", "config folder", "kaggle.json"])
def test_both_auth_styles(
    style: str,
    fake: FakeKaggle,
    no_credentials: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    _give(style, no_credentials, monkeypatch)
    source = KaggleSource(FRAUD, tmp_path / "kaggle")
    assert find_credentials() is not None
    assert source.fingerprint == "kaggle:mlg-ulb/creditcardfraud:latest"
    raw = source.fetch(tmp_path / "run")
    sha256 = hashlib.sha256(fake.archive).hexdigest()
    assert raw.table.rows == raw.provenance.rows == ROWS
    assert (raw.provenance.origin, raw.provenance.sha256, source.fingerprint) == ("kaggle", sha256, sha256)
    assert source.checksum.read_text() == f"{sha256}  creditcardfraud.zip\n"
    kinds = {kind for line, kind, _ in fake.requests if "DownloadDataset" in line}
    assert kinds == {"Bearer" if style.startswith("token") else "Basic"}
    assert not (tmp_path / "kaggle" / "partial").exists()
    printed = "".join(capfd.readouterr())
    assert printed == ""


def test_second_fetch_needs_no_network(fake: FakeKaggle, token: None, tmp_path: Path) -> None:
    source = KaggleSource(FRAUD, tmp_path / "kaggle")
    source.fetch(tmp_path / "run")
    asked = len(fake.requests)
    source.fetch(tmp_path / "run")
    assert len(fake.requests) == asked


def test_no_credentials_says_how_to_get_them(no_credentials: Path, tmp_path: Path) -> None:
    assert find_credentials() is None
    with pytest.raises(SourceError, match=r"no Kaggle credentials.*kaggle.com/settings/api.*KAGGLE_API_TOKEN.*KAGGLE_KEY"):
        KaggleSource(FRAUD, tmp_path).fetch(tmp_path / "run")
    assert list(no_credentials.iterdir()) == []


@pytest.mark.parametrize("style", ["token", "key"])
def test_refused_credentials(style: str, fake: FakeKaggle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if style == "token":
        monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_expired_secret")
    else:
        monkeypatch.setenv("KAGGLE_USERNAME", USERNAME)
        monkeypatch.setenv("KAGGLE_KEY", "wrong_secret")
    with pytest.raises(SourceError, match="does not accept the credentials") as caught:
        KaggleSource(FRAUD, tmp_path).fetch(tmp_path / "run")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (404, "no data set mlg-ulb/creditcardfraud"),
        (403, "accept its terms"),
        (429, "slow down"),
        (500, "answered with an error"),
    ],
)
def test_refusals_are_clear(status: int, message: str, fake: FakeKaggle, token: None, tmp_path: Path) -> None:
    fake.status = status
    with pytest.raises(SourceError, match=message):
        KaggleSource(FRAUD, tmp_path).fetch(tmp_path / "run")


def test_a_broken_download_is_resumed_at_once(fake: FakeKaggle, token: None, tmp_path: Path) -> None:
    fake.script = [2_500_000, 4_500_000]
    raw = KaggleSource(FRAUD, tmp_path / "kaggle").fetch(tmp_path / "run")
    assert raw.table.rows == ROWS
    assert fake.ranges == ["", f"bytes={2 << 20}-", f"bytes={4 << 20}-"]


def test_a_download_that_keeps_breaking_goes_on_in_the_next_run(fake: FakeKaggle, token: None, tmp_path: Path) -> None:
    fake.script = [1_500_000] * 6
    source = KaggleSource(FRAUD, tmp_path / "kaggle")
    with pytest.raises(SourceError, match=r"broke off after 1\.0 MB.*it goes on from there") as caught:
        source.fetch(tmp_path / "run")
    assert "signature" not in str(caught.value)
    assert not source.downloaded
    fake.requests.clear()
    assert source.fetch(tmp_path / "run").table.rows == ROWS
    assert fake.ranges == ["", f"bytes={1 << 20}-"]


def test_a_partial_download_of_another_version_is_not_resumed(fake: FakeKaggle, token: None, tmp_path: Path) -> None:
    fake.script = [1_500_000] * 6
    source = KaggleSource(FRAUD, tmp_path / "kaggle")
    with pytest.raises(SourceError):
        source.fetch(tmp_path / "run")
    fake.hold(FRAUD.file_name, CSV + CSV.splitlines(keepends=True)[1])
    assert source.fetch(tmp_path / "run").table.rows == ROWS + 1


def test_an_error_page_in_place_of_the_rest_is_not_kept(fake: FakeKaggle, token: None, tmp_path: Path) -> None:
    fake.script = [1_500_000, 503, 503]
    source = KaggleSource(FRAUD, tmp_path / "kaggle")
    with pytest.raises(SourceError, match="sent something other"):
        source.fetch(tmp_path / "run")
    assert source.fetch(tmp_path / "run").table.rows == ROWS


def test_a_damaged_archive_of_the_right_size_is_removed(fake: FakeKaggle, token: None, tmp_path: Path) -> None:
    middle = 100_000
    whole, fake.archive = fake.archive, fake.archive[:middle] + b"\0" * 64 + fake.archive[middle + 64 :]
    source = KaggleSource(FRAUD, tmp_path / "kaggle")
    with pytest.raises(SourceError, match="is damaged"):
        source.fetch(tmp_path / "run")
    fake.archive = whole
    assert source.fetch(tmp_path / "run").table.rows == ROWS


def test_a_file_that_changed_after_the_download(fake: FakeKaggle, token: None, tmp_path: Path) -> None:
    source = KaggleSource(FRAUD, tmp_path / "kaggle")
    source.fetch(tmp_path / "run")
    source.archive.write_bytes(source.archive.read_bytes() + b"x")
    with pytest.raises(SourceError, match=r"its SHA-256 is not the recorded one.*Delete it and creditcardfraud.zip.sha256"):
        source.fetch(tmp_path / "run")


def test_nobody_answers(no_credentials: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import kagglesdk.kaggle_env as environment

    with serve_kaggle() as server:
        address = server.address
    monkeypatch.setitem(environment._env_to_endpoint, environment.KaggleEnv.PROD, address)
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    with pytest.raises(SourceError, match="cannot be reached"):
        KaggleSource(FRAUD, tmp_path).fetch(tmp_path / "run")


def test_a_folder_that_cannot_be_made(fake: FakeKaggle, token: None, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="parent of it is a file"):
        KaggleSource(FRAUD, tmp_path / "file" / "kaggle").fetch(tmp_path / "run")


def test_verbose_mode_of_the_client_shows_no_secret(
    fake: FakeKaggle, token: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from kaggle.api.kaggle_api_extended import KaggleApi

    monkeypatch.setattr(KaggleApi, "args", ["--verbose"])
    KaggleSource(FRAUD, tmp_path / "kaggle").fetch(tmp_path / "run")
    assert TOKEN not in "".join(capfd.readouterr())


def test_auto_takes_kaggle_where_there_are_credentials_and_says_so(
    fake: FakeKaggle, token: None, home: Home, tmp_path: Path
) -> None:
    source = resolve_source("auto", FRAUD, home, seed=1, rows=1_000)
    assert source.name == "kaggle"
    assert source.description == "Kaggle mlg-ulb/creditcardfraud (no file in data/raw/fraud)"
    source.fetch(tmp_path / "run")
    assert (home.raw / "fraud" / "kaggle" / "creditcardfraud.zip").is_file()


def test_auto_does_not_load_the_client_without_credentials(no_credentials: Path, home: Home) -> None:
    loaded = "kaggle" in sys.modules
    assert resolve_source("auto", FRAUD, home, seed=1, rows=1_000).name == "simulated"
    assert ("kaggle" in sys.modules) == loaded
