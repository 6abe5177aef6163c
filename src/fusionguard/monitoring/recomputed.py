"""Features of what happened before, recomputed from a history for some logged rows: does the service see what training saw?

The log has the features that were used, the history what they should have been, by the SQL that made those of training. Any
difference is a fault of the feature pipeline, but for rows of which the history cannot say it; these are counted by their reason.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from fusionguard.data.table import Table
from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.durations import duration_seconds
from fusionguard.datasets.history import OF_OUTCOMES, WindowFeature, window_features
from fusionguard.datasets.history_checks import longest_span
from fusionguard.datasets.prepared_names import prepared_names
from fusionguard.datasets.remembering import EVENTS, REMEMBERED, past_query
from fusionguard.datasets.scoring_rows import open_events, read_earlier
from fusionguard.datasets.table_rows import TableRows, string
from fusionguard.errors import DataError, UsageError
from fusionguard.families.family import TIME, ModelFamily
from fusionguard.features.online.state import declared_event
from fusionguard.monitoring.findings import Check, Finding, judge
from fusionguard.monitoring.thresholds import MonitoringThresholds
from fusionguard.serving.prediction_log.events import digest_sql
from fusionguard.serving.prediction_log.schema import EVENT, EXACT, REQUEST_ID, ROW

Incomparable = Literal["nameless", "absent", "late", "overtaken", "early", "lacking"]

WHY: dict[Incomparable, str] = {
    "nameless": "tell no id or were only explained",
    "absent": "are not in the history",
    "late": "came too late to see exactly what was before them, or had it not looked up, as the service counted",
    "overtaken": "differ, and a row that was before them came after them",
    "early": "differ, and what their windows remember began before the history",
    "lacking": "differ, and may be of whom the rows are that the history lacks",
}
"""Why a row was not compared."""

_SECOND_MICROS = 1_000_000
_AT_ONCE_MICROS = 20_000
"""Rows that were answered so close to each other may have been recorded in either order."""


class RecomputedFeatures(BaseModel):
    """What a history makes of logged features."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    history: str
    """The name of its file."""
    rows: int
    """In the window."""
    compared: int
    differing: int
    """Of those, rows with another value in at least one feature."""
    incomparable: dict[Incomparable, int]
    """Rows that were looked at and not compared, by reason."""
    findings: tuple[Finding, ...]
    """A finding for each feature that differs, the gravest first."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """Say what was compared, and what could not be."""
        if not self.compared:
            done = f"no row could be compared with what {self.history} makes of it"
        else:
            differ = f"{self.differing:,} differ" if self.differing else "none differs"
            done = f"{self.compared:,} of {self.rows:,} rows were recomputed from {self.history}: {differ}"
        left = [f"{count:,} {WHY[reason]}" for reason, count in self.incomparable.items()]
        return (f"{done}; not compared: {'; '.join(left)}" if left else done,)


def check_recomputable(family: ModelFamily, history: Path) -> None:
    """Check that a model's logged rows can be found in a history; raise :class:`UsageError` where they cannot."""
    declared = family.declared
    if declared is None or not family.features.past:
        raise UsageError(f"The models of {family.model} read nothing of earlier rows.", "Leave history.file out.")
    if declared.declaration.id is None:
        raise UsageError(
            f"The data set {family.model} declares no id, so no logged row can be found in a history.",
            "Declare one (id: COLUMN) and train again, or leave history.file out.",
        )
    if not history.exists():
        raise UsageError(
            f"There is no file '{history}'.", "Name the rows that happened, as their owner has them, in history.file."
        )


def recompute_features(
    window: Table,
    family: ModelFamily,
    history: Path,
    *,
    rows: int,
    thresholds: MonitoringThresholds,
    scratch: Path,
) -> RecomputedFeatures:
    """Recompute a sample of logged rows from a history that holds them and the rows before, and judge what differs.

    Parameters
    ----------
    window
        Logged rows, each once.
    rows
        So many are compared at most: those whose events have the least digests, and so the same ones each time.
    scratch
        A folder for a copy of the history.

    Raises
    ------
    UsageError, DataError
        The history is not there, lacks a column that windows need, or a cell is not what is declared.
    """
    check_recomputable(family, history)
    declared = family.declared
    assert declared is not None
    with open_events(declared, read_earlier(declared, history, scratch / "history.parquet"), f" of {history}") as (found, events):
        if declared.declaration.id not in found.kinds:
            raise DataError(
                f"{history} has no column '{declared.declaration.id}', by which logged rows are found in it.",
                "Name a file that has it in history.file.",
            )
        comparison = _Comparison(family, declared.declaration, found, thresholds)
        return comparison.report(window, events, rows, history.name)


@dataclass(frozen=True)
class _Differing:
    """A row of which the history makes something else: in which features, and what may excuse that."""

    answered: int
    """When, in microseconds since 1970."""
    second: int
    features: tuple[WindowFeature, ...]
    overtaken: frozenset[str]
    """Entities of which a row that was before it came after it."""
    keys: dict[str, str | None]
    """Whose it is, by entity."""


_Cell = tuple[int, str]
"""The place of a differing row, and one of its features."""


class _Comparison:
    """Compares in the database that holds the history."""

    def __init__(
        self, family: ModelFamily, declaration: Declaration, history: TableRows, thresholds: MonitoringThresholds
    ) -> None:
        self._family, self._declaration, self._rows, self._thresholds = family, declaration, history, thresholds
        self._features = window_features(declaration)
        self._entities = tuple(dict.fromkeys(each.entity for each in self._features))

    def report(self, window: Table, events: str, most: int, name: str) -> RecomputedFeatures:
        self._execute(f"CREATE TEMP TABLE history AS SELECT *, {digest_sql(_EVENT_ID)} AS digest FROM ({events})")
        self._execute(f"CREATE TEMP VIEW logged AS SELECT * FROM read_parquet({string(str(window.path))})")
        begins, count = self._fetch("SELECT (SELECT MIN(second) FROM history), COUNT(*) FROM logged")[0]
        excused: Counter[Incomparable] = Counter()
        absent = self._count_unmatched(excused)
        self._ask(most, begins)
        self._remember()
        differing = list(self._differing())
        lacking = self._lacking(differing, begins, absent)
        wrong: dict[str, list[int]] = {}
        found = 0
        for place, each in enumerate(differing):
            reasons: dict[str, Incomparable | None] = {
                feature.name: "lacking" if (place, feature.name) in lacking else self._excuse(each, feature, begins)
                for feature in each.features
            }
            unexcused = [name for name, reason in reasons.items() if reason is None]
            if unexcused:
                found += 1
            else:
                excused[next(reason for reason in reasons.values() if reason is not None)] += 1
            for feature_name in unexcused:
                wrong.setdefault(feature_name, []).append(each.answered)
        (asked,) = self._fetch("SELECT COUNT(*) FROM asked")[0]
        compared = asked - len(differing) + found
        return RecomputedFeatures(
            history=name,
            rows=count,
            compared=compared,
            differing=found,
            incomparable={reason: excused[reason] for reason in WHY if excused[reason]},
            findings=self._judge(wrong, compared),
        )

    def _count_unmatched(self, excused: Counter[Incomparable]) -> list[int]:
        """Count rows that cannot be compared whatever they hold; return when those were answered that the history lacks."""
        absent = f"{EVENT} IS NOT NULL AND {EVENT} NOT IN (SELECT digest FROM history WHERE digest IS NOT NULL)"
        nameless, lacked, late = self._fetch(
            f"SELECT COUNT(*) FILTER (WHERE {EVENT} IS NULL), COUNT(*) FILTER (WHERE {absent}),"
            f" COUNT(*) FILTER (WHERE NOT ({absent}) AND {EVENT} IS NOT NULL AND {EXACT} IS FALSE) FROM logged"
        )[0]
        excused.update({"nameless": nameless, "absent": lacked, "late": late})
        first = f"SELECT MIN({_ANSWERED}) AS answered FROM logged WHERE {absent} GROUP BY {EVENT} ORDER BY answered"
        return [answered for (answered,) in self._fetch(first)]

    def _ask(self, most: int, begins: int | None) -> None:
        """Draw the rows that are compared, those first whose windows lie within the history."""
        span = longest_span(self._declaration)
        start = f"(CAST(FLOOR(second / {span.tile_seconds}) AS BIGINT) - {span.tiles}) * {span.tile_seconds}"
        own = {*prepared_names(self._declaration).values(), *(each.name for each in self._features)}
        columns = ", ".join(f"logged.{name}" for name in self._family.features.model_features if name in own)
        keys = ", ".join(f"history.e_{entity}" for entity in self._entities)
        self._execute(
            f"CREATE TEMP TABLE asked AS SELECT history._row, second, {_ANSWERED} AS answered, {keys}, {columns}"
            f" FROM logged JOIN (SELECT digest, MIN(_row) AS _row FROM history GROUP BY digest) AS once ON digest = {EVENT}"
            f" JOIN history USING (_row) WHERE {EXACT} IS NOT FALSE"
            f" ORDER BY {start} < {begins or 0}, {EVENT}, {REQUEST_ID}, {ROW} LIMIT {most}"
        )

    def _remember(self) -> None:
        """Find what the drawn rows should have seen; only rows of their own entities matter for that."""
        same = " OR ".join(f"e_{entity} IN (SELECT e_{entity} FROM asked)" for entity in self._entities)
        self._execute(
            f"CREATE TEMP TABLE {EVENTS} AS SELECT * FROM history"
            f" WHERE second <= (SELECT MAX(second) FROM asked) AND (({same}) OR _row IN (SELECT _row FROM asked))"
        )
        found = f"SELECT * FROM ({past_query(self._declaration)}) WHERE _row IN (SELECT _row FROM asked)"
        self._execute(f"CREATE TEMP TABLE {REMEMBERED} AS {found}")

    def _differing(self) -> Iterator[_Differing]:
        known = [_known(each.sql) for each in self._features]
        wrong = [
            f"({sql} IS DISTINCT FROM {_known(f'asked.{each.name}')}) AS wrong_{place}"
            for place, (each, sql) in enumerate(zip(self._features, known, strict=True))
        ]
        keys = ", ".join(f"e_{entity}" for entity in self._entities)
        self._execute(
            f"CREATE TEMP TABLE compared AS SELECT _row, answered, asked.second, {keys}, {', '.join(wrong)}"
            f" FROM asked JOIN {REMEMBERED} USING (_row)"
        )
        flags = ", ".join(f"wrong_{place}" for place in range(len(wrong)))
        any_wrong = " OR ".join(f"wrong_{place}" for place in range(len(wrong)))
        self._execute(
            f"CREATE TEMP TABLE came AS SELECT history.*, answered FROM history"
            f" JOIN (SELECT {EVENT} AS digest, MIN({_ANSWERED}) AS answered FROM logged WHERE {EVENT} IS NOT NULL GROUP BY ALL)"
            " USING (digest)"
        )
        overtaken = ", ".join(
            f"EXISTS (SELECT 1 FROM came WHERE came.e_{entity} = wrong.e_{entity} AND came.second < wrong.second"
            f" AND came.answered > wrong.answered - {_AT_ONCE_MICROS})"
            for entity in self._entities
        )
        query = f"SELECT answered, second, {flags}, {overtaken}, {keys} FROM (SELECT * FROM compared WHERE {any_wrong}) AS wrong"
        for answered, second, *told in self._fetch(f"{query} ORDER BY answered, _row"):
            features = tuple(each for each, is_wrong in zip(self._features, told, strict=False) if is_wrong)
            passed, whose = told[len(known) : -len(self._entities)], told[-len(self._entities) :]
            overtaken_of = frozenset(itertools.compress(self._entities, passed))
            yield _Differing(answered, second, features, overtaken_of, dict(zip(self._entities, whose, strict=True)))

    def _excuse(self, row: _Differing, feature: WindowFeature, begins: int) -> Incomparable | None:
        """Say why a feature of a row may differ although nothing is wrong; None where nothing says so."""
        if feature.entity in row.overtaken:
            return "overtaken"
        if feature.span.start(row.second) - (self._delay(feature) or 0) < begins:
            return "early"
        return None

    def _lacking(self, differing: Sequence[_Differing], begins: int, absent: Sequence[int]) -> set[_Cell]:
        """Return which features of which rows may differ because the history lacks rows.

        A row that is not there is of one card, one shop: of each entity at most so many keys are excused as rows are absent,
        those of which most differs. Whose an absent row was is not in the log, which has no keys.
        """
        cells: dict[str, dict[str | None, list[_Cell]]] = {}
        for place, row in enumerate(differing):
            for feature in row.features:
                if self._excuse(row, feature, begins) is None and self._is_reached(row, feature, absent):
                    of_entity = cells.setdefault(feature.entity, {})
                    of_entity.setdefault(row.keys[feature.entity], []).append((place, feature.name))
        most = (sorted(keys.values(), key=len, reverse=True)[: len(absent)] for keys in cells.values())
        return {cell for keys in most for some in keys for cell in some}

    def _is_reached(self, row: _Differing, feature: WindowFeature, absent: Sequence[int]) -> bool:
        """Whether the latest absent row that was answered before a row is in the window of its feature."""
        before = bisect_left(absent, row.answered + _AT_ONCE_MICROS)
        if not before:
            return False
        delay, ahead = self._delay(feature), max(0, row.second - row.answered // _SECOND_MICROS)
        if delay is None:
            return True
        first = min(each.span.start(row.second) for each in feature.memories) - delay
        return absent[before - 1] // _SECOND_MICROS + ahead >= first  # a row happens before it is answered

    def _delay(self, feature: WindowFeature) -> int | None:
        """Return how many seconds after its row something is remembered for a feature; None where that differs by row."""
        known = self._declaration.label.known
        if known is None or all(each.kind not in OF_OUTCOMES for each in feature.memories):
            return 0
        return None if known.after is None else duration_seconds(known.after)

    def _judge(self, wrong: dict[str, list[int]], compared: int) -> tuple[Finding, ...]:
        words, checks = self._family.features.words, []
        for name, times in wrong.items():
            title = words.get(name, name)
            told = f"{title}: not what the history makes of it in {len(times):,} of {compared:,} recomputed rows"
            limits = self._thresholds.skew_watch, self._thresholds.skew_act
            checks.append(Check("skew", name, len(times) / compared, *limits, chance=0.0, sentence=told, words=title))
        found = judge(checks, self._thresholds.chance) if checks else ()
        return tuple(each.model_copy(update={"since": _moment(min(wrong[each.subject]))}) for each in found)

    def _execute(self, query: str) -> None:
        self._rows.database.execute(query)

    def _fetch(self, query: str) -> Sequence[Any]:
        return self._rows.fetch(query)


_ANSWERED = f"epoch_us({TIME})"
_EVENT_ID = f"{string(declared_event(''))} || _id"


def _moment(micros: int) -> datetime:
    return datetime.fromtimestamp(micros / 1e6, UTC)


def _known(number: str) -> str:
    """Return the SQL of a number, nothing where it is NaN: a log has either where a feature is missing."""
    return f"CASE WHEN NOT isnan({number}) THEN {number} END"
