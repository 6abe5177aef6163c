"""A small model of payments whose cards and countries have a past, and the rows that a service is asked about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from typer.testing import CliRunner

from fusionguard.cli import app
from fusionguard.data.ingest import raw_header, read_raw
from fusionguard.datasets.scoring_rows import prepare_file, read_earlier, scored_columns
from fusionguard.families.family import ModelFamily
from fusionguard.families.of_bundle import family_of
from fusionguard.features.duckdb_engine import score_rows
from fusionguard.scoring import score_file
from fusionguard.serving.release import write_release
from tests.foreign import write_payments
from tests.payments import DeclaredPayments, train_fraud
from tests.serving.conftest import released

NAME = "card-payments"
EARLIER = 1_200
"""So many rows are history; a service is asked about those after them."""

_WINDOWS = """
windows:
  card: {spans: [1d, 30d], of: [count, mean, ratio, since_last, new(place), label_rate]}
  card_at_place: {spans: [14d], of: [count, since_last]}
  place: {spans: [7d], of: [count, sum, maximum, mean(distance km), distinct(card), label_count, label_rate]}
"""
_ENTITIES = "entities: {card: card token, place: country, card_at_place: [card token, country]}"
_OUTCOMES = ["chargeback", "chargeback known"]


@dataclass(frozen=True)
class PastPayments:
    """A model, its release and the rows as their owner has them, texts in a CSV file."""

    folder: Path
    trained: DeclaredPayments
    rows: pd.DataFrame

    @property
    def release(self) -> Path:
        """The release of the model."""
        return self.folder / "release"

    @property
    def family(self) -> ModelFamily:
        """The model's family on its data set."""
        return family_of(self.trained.bundle)

    def sent(self, place: int) -> dict[str, Any]:
        """Return a row as a client sends it: without what became of it, and who the customer is."""
        row = self.rows.iloc[place].drop([*_OUTCOMES, "age group"])
        return {name: None if value == "" else value for name, value in row.items()}

    def expected(self, first: int, end: int, told: slice = slice(0)) -> tuple[pa.Table, list[float]]:
        """Return features and scores of rows, as files of them beside the earlier ones are scored.

        ``told`` are the rows after the history whose outcomes are known, too.
        """
        folder = self.folder / f"expected-{first}-{end}-{told.stop}"
        folder.mkdir(exist_ok=True)
        untold = self.rows.copy()
        silent = untold.index.isin(range(EARLIER, len(untold))) & ~untold.index.isin(range(len(untold))[told])
        untold.loc[silent, _OUTCOMES] = ""
        untold.iloc[:first].to_csv(folder / "earlier.csv", index=False)
        self.rows.iloc[first:end].drop(columns=_OUTCOMES).to_csv(folder / "later.csv", index=False)
        model, described = self.family.load(self.trained.bundle), self.family.declared
        assert described is not None
        score_file(model, folder / "later.csv", folder / "scores.parquet", history=folder / "earlier.csv")
        raw = read_earlier(described, folder / "earlier.csv", folder / "raw.parquet")
        header = raw_header(folder / "later.csv", self.family.schema)[0]
        later = read_raw(
            folder / "later.csv", self.family.schema, folder / "raw-later.parquet", only=scored_columns(described, header)
        )
        prepared, _ = prepare_file(described, later, folder / "prepared.parquet", raw)
        features = score_rows(self.family.features, prepared, folder / "features.parquet").read()
        return features, pq.read_table(folder / "scores.parquet")["score"].to_pylist()

    def build_state(self, folder: Path, *words: str, earlier: int = EARLIER) -> Path:
        """Make the state of the first rows in a folder, by the command; return its file."""
        folder.mkdir(exist_ok=True)
        self.rows.iloc[:earlier].to_csv(folder / "history.csv", index=False)
        given = ["state", "build", "--model", str(self.trained.bundle.folder), "--history", str(folder / "history.csv"), *words]
        done = CliRunner(env={"FUSIONGUARD_SERVE_STATE": str(folder)}).invoke(app, given)
        assert done.exit_code == 0, done.output
        (file,) = folder.glob("*.sqlite")
        return file


def train(folder: Path, changes: Mapping[str, str] | None = None, *, rows: int = 2_000) -> PastPayments:
    """Train a model and release it; ``changes`` are made in its declaration."""
    file = write_payments(folder / "source", rows)
    text = file.read_text().replace("entities: {card: card token}", _ENTITIES) + _WINDOWS
    for old, new in (changes or {}).items():
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)
    trained = train_fraud(str(file), folder)
    write_release(folder / "release", released({f"{NAME}-champion": trained.bundle}))
    return PastPayments(folder, trained, pd.read_csv(trained.given, dtype=str, keep_default_na=False))
