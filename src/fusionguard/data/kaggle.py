"""The Kaggle source: the official client fetches, we prove that what arrived is whole and stays what it was."""

from __future__ import annotations

import contextlib
import io
import json
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusionguard.data.ingest import read_raw
from fusionguard.data.provenance import Provenance
from fusionguard.data.schema import DatasetSchema
from fusionguard.data.source import RawData
from fusionguard.errors import SourceError
from fusionguard.files import sha256_file, storage_errors, write_text

HOW_TO_GET_CREDENTIALS = (
    "Create a token at https://www.kaggle.com/settings/api and set KAGGLE_API_TOKEN to it "
    "(or save it as ~/.kaggle/access_token); a user name and key work too, in KAGGLE_USERNAME and KAGGLE_KEY or in kaggle.json. "
    "Without an account: put the CSV file in data/raw/, or use --source simulated."
)


@dataclass(frozen=True)
class KaggleSource:
    """A data set on Kaggle, downloaded once.

    Parameters
    ----------
    folder
        Where the downloaded zip stays, with its SHA-256 beside it and an unfinished download under ``partial/``.
    reason
        Why it was chosen, for the description.
    """

    schema: DatasetSchema
    folder: Path
    reason: str = "asked for"

    name = "kaggle"

    @property
    def description(self) -> str:
        """The data set's name on Kaggle and why it was chosen."""
        return f"Kaggle {self.schema.kaggle} ({self.reason})"

    @property
    def archive(self) -> Path:
        """The downloaded zip."""
        return self.folder / f"{self.schema.kaggle.split('/')[1]}.zip"

    @property
    def checksum(self) -> Path:
        """The file beside the zip that records its SHA-256, as ``sha256sum`` writes it."""
        return self.archive.with_name(f"{self.archive.name}.sha256")

    @property
    def downloaded(self) -> bool:
        """Whether the zip and its checksum are here."""
        return self.archive.is_file() and self.checksum.is_file()

    @property
    def fingerprint(self) -> str:
        """The recorded SHA-256 of the zip; before the download, the data set's name."""
        return self._recorded() if self.downloaded else f"kaggle:{self.schema.kaggle}:latest"

    def fetch(self, folder: Path) -> RawData:
        """Download what is not here yet, check it, and read it into ``folder/raw.parquet``.

        Raises
        ------
        SourceError
            No credentials, Kaggle refuses or cannot be reached, the download breaks off, or the zip is not the one recorded.
        """
        if not self.downloaded:
            self._download()
        sha256 = sha256_file(self.archive)
        if sha256 != self._recorded():
            raise SourceError(
                f"{self.archive.name} has changed since it was downloaded: its SHA-256 is not the recorded one.",
                f"Delete it and {self.checksum.name} in data/raw/{self.schema.name}/kaggle, then run again to download it anew.",
            )
        table = read_raw(self.archive, self.schema, folder / "raw.parquet")
        provenance = Provenance(
            dataset=self.schema.name,
            origin="kaggle",
            description=f"Kaggle {self.schema.kaggle}, {self.schema.file_name}",
            sha256=sha256,
            rows=table.rows,
        )
        return RawData(table, provenance)

    def _recorded(self) -> str:
        words = self.checksum.read_text(encoding="utf-8").split()
        return words[0] if words else ""

    def _download(self) -> None:
        partial = self.folder / "partial"
        with storage_errors(partial):
            partial.mkdir(parents=True, exist_ok=True)
        arrived = partial / self.archive.name
        with _refusals(self.schema, arrived), storage_errors(arrived):
            client = _authenticated_client()
            # force=False is what makes the client resume, from the identity that it keeps beside the partial file.
            client.dataset_download_files(self.schema.kaggle, path=str(partial), force=False, quiet=True, unzip=False)
        _check_archive(arrived, self.schema)
        write_text(self.checksum, f"{sha256_file(arrived)}  {self.archive.name}\n")
        with storage_errors(self.archive):
            os.replace(arrived, self.archive)
            partial.rmdir()


def find_credentials() -> str | None:
    """Return where Kaggle credentials are by Kaggle's own conventions (never their values), or nothing."""
    home, config = Path.home() / ".kaggle", _config_folder()
    token = os.environ.get("KAGGLE_API_TOKEN")
    if token and (not Path(token).exists() or _has_text(Path(token))):
        return "KAGGLE_API_TOKEN"
    for name in ("access_token", "access_token.txt"):
        if _has_text(home / name):
            return f"~/.kaggle/{name}"
    keys = {name for name in ("username", "key") if os.environ.get(f"KAGGLE_{name.upper()}")}
    if keys == {"username", "key"}:
        return "KAGGLE_USERNAME and KAGGLE_KEY"
    if keys | _json_keys(config / "kaggle.json") >= {"username", "key"}:
        return "kaggle.json"
    if "refresh_token" in _json_keys(home / "credentials.json"):
        return "~/.kaggle/credentials.json"
    return None


def _config_folder() -> Path:
    named = os.environ.get("KAGGLE_CONFIG_DIR")
    if named:
        return Path(named)
    home = Path.home() / ".kaggle"
    return home if home.exists() else Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "kaggle"


def _has_text(file: Path) -> bool:
    return file.is_file() and bool(file.read_text(encoding="utf-8", errors="replace").strip())


def _json_keys(file: Path) -> set[str]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    return {key for key, value in content.items() if value} if isinstance(content, dict) else set()


def _authenticated_client() -> Any:
    if find_credentials() is None:
        raise SourceError("There are no Kaggle credentials.", HOW_TO_GET_CREDENTIALS)
    # Importing the client authenticates and may make its configuration folder: only now is there a reason for either.
    from kaggle.api.kaggle_api_extended import KaggleApi

    client = KaggleApi()
    client.config_dir = str(_config_folder())
    client.config = str(_config_folder() / client.config_file)
    # Its verbose mode prints request headers, credentials among them.
    client.args = [argument for argument in client.args if argument != "--verbose"]
    try:
        client.authenticate()
    except SystemExit:
        raise SourceError("Kaggle does not accept the credentials found.", HOW_TO_GET_CREDENTIALS) from None
    return client


@contextmanager
def _refusals(schema: DatasetSchema, arrived: Path) -> Iterator[None]:
    """Turn what the client raises into a :class:`SourceError`; its own words may hold signed addresses and are dropped."""
    from requests import exceptions

    try:
        # The client prints addresses and advice for its own command line.
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    except exceptions.HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        raise SourceError(*_explain_status(status, schema)) from None
    except (exceptions.ChunkedEncodingError, exceptions.ConnectionError, exceptions.Timeout):
        have = arrived.stat().st_size if arrived.is_file() else 0
        if have:
            what = f"The download of {schema.kaggle} broke off after {have / 1e6:,.1f} MB."
            raise SourceError(what, "Run the same command again: it goes on from there.") from None
        raise SourceError("Kaggle cannot be reached.", "Check the network, or use a local file or --source simulated.") from None
    except (exceptions.RequestException, ValueError):
        # The client found another size than announced; what it wrote may be an error page and must not be resumed.
        arrived.unlink(missing_ok=True)
        raise SourceError(f"Kaggle sent something other than {schema.kaggle}.", "Run it again in a while.") from None


def _explain_status(status: int, schema: DatasetSchema) -> tuple[str, str]:
    page = f"https://www.kaggle.com/datasets/{schema.kaggle}"
    if status == 401:
        return "Kaggle does not accept the credentials found (401).", HOW_TO_GET_CREDENTIALS
    if status == 403:
        return f"Kaggle refuses access to {schema.kaggle} (403).", f"Open {page} with the same account and accept its terms."
    if status == 404:
        return f"Kaggle has no data set {schema.kaggle} (404).", f"See whether {page} still exists; else use a local file."
    if status == 429:
        return "Kaggle asks to slow down (429).", "Run it again in some minutes."
    return f"Kaggle answered with an error ({status}).", "Run it again in a while, or use a local file."


def _check_archive(arrived: Path, schema: DatasetSchema) -> None:
    """Read every byte of the zip against its checksums: the client compares sizes only."""
    try:
        with zipfile.ZipFile(arrived) as archive:
            broken = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError):
        broken = arrived.name
    if broken:
        arrived.unlink(missing_ok=True)
        raise SourceError(
            f"The download of {schema.kaggle} is damaged ({broken}) and was removed.", "Run the same command again."
        )
