"""The routes that take outcomes: what became of rows that were scored days or months ago."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from fusionguard.errors import StorageError
from fusionguard.families.family import ModelFamily
from fusionguard.features.online.state import Outcome
from fusionguard.json_kinds import kind_of
from fusionguard.serving.http import JSON, Request, Response, json_response
from fusionguard.serving.outcome_words import OutcomeWords
from fusionguard.serving.prediction_log import Label, LabelConflictError, append_labels
from fusionguard.serving.problems import MOST_COUNTED, Fault, ProblemError, clip, invalid
from fusionguard.serving.remembering import outcomes_of
from fusionguard.serving.repeats import count_texts, refuse_repeats
from fusionguard.serving.request_ids import EXPECTED, is_request_id
from fusionguard.serving.requests import check_count, parse_json
from fusionguard.serving.settings import ServeSettings

_FIELDS = ("request_id", "row", "label", "observed_at")
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LARGEST_ROW = 99_999


class LabelRoutes:
    """The route of one family's outcomes; ``tell`` hands them to what remembers earlier rows, where something does."""

    def __init__(self, family: ModelFamily, settings: ServeSettings, tell: Callable[[list[Outcome]], None] | None = None) -> None:
        self._tell = tell
        self._family, self._words, self._folder = family, OutcomeWords.of(family), settings.log
        self._most_bytes, self._most_rows = settings.largest_body_bytes, settings.largest_batch_rows

    async def store(self, request: Request) -> Response:
        """Store outcomes: all of a request's or none; the same again is no error and changes nothing."""
        request.media_type((JSON,))
        body = await request.body(self._most_bytes)
        if self._folder is None:
            raise ProblemError(404, "no_log", "This service keeps no prediction log, so it takes no outcomes either.")
        return await asyncio.to_thread(self._store, self._folder, body, request)

    def _store(self, folder: Path, body: bytes, request: Request) -> Response:
        content = parse_json(body)
        labels = read_labels(content, self._most_rows, self._words)
        texts = count_texts(body, content["labels"])
        refuse_repeats(body, None if texts is None else 1 + texts)
        try:
            receipt = append_labels(folder, self._family, labels)
        except LabelConflictError as error:
            faults = [
                Fault(
                    f"labels[{_place(labels, each.request_id, each.row)}].label",
                    f"{each.stored}, as it was told before",
                    "another",
                )
                for each in error.conflicts[:MOST_COUNTED]
            ]
            raise ProblemError(
                409, "label_conflict", "Outcomes that are known already differ; nothing was stored.", faults
            ) from None
        except (StorageError, OSError):
            detail = "The outcomes cannot be stored now; nothing was stored."
            raise ProblemError(503, "storage", detail, headers={"retry-after": "5"}) from None
        if self._tell is not None:  # what is told again after a refusal here is no other outcome
            self._tell(outcomes_of(labels))
        return json_response({"request_id": request.id, "stored": receipt.stored, "repeated": receipt.repeated})


def read_labels(content: Any, most: int, words: OutcomeWords) -> list[Label]:
    """Check ``{"labels": [{"request_id": ..., "row": ..., "label": ..., "observed_at": ...}]}``; raise :class:`ProblemError`."""
    if type(content) is not dict or set(content) != {"labels"}:
        found = kind_of(content) if type(content) is not dict else "other members"
        raise invalid([Fault("$", "an object with 'labels', and nothing else", found)])
    rows = content["labels"]
    if type(rows) is not list:
        raise invalid([Fault("labels", "an array of objects", kind_of(rows))])
    check_count(len(rows), most, "labels")
    labels: list[Label] = []
    faults: list[Fault] = []
    for place, row in enumerate(rows):
        wrong = _faults(row, f"labels[{place}]", words)
        faults += wrong
        if not wrong:
            micros = round(_instant(row["observed_at"]).timestamp() * 1e6)
            labels.append(Label(row["request_id"], row["row"], int(words.read(row["label"]) == 1), micros))
        if len(faults) >= MOST_COUNTED:
            break
    if faults:
        raise invalid(faults)
    return labels


def _faults(row: Any, at: str, words: OutcomeWords) -> list[Fault]:
    if type(row) is not dict:
        return [Fault(at, "an object", kind_of(row))]
    strangers = islice((name for name in row if name not in _FIELDS), MOST_COUNTED)
    faults = [Fault(f"{at}.{clip(name)}", "no such field", "a field that is not known") for name in strangers]
    expected: dict[str, tuple[str, Callable[[Any], bool]]] = {
        "request_id": (EXPECTED, lambda value: type(value) is str and is_request_id(value)),
        "row": (f"a whole number from 0 to {_LARGEST_ROW}", lambda value: type(value) is int and 0 <= value <= _LARGEST_ROW),
        "label": (words.expected, lambda value: words.read(value) is not None),
        "observed_at": ("a time such as 2026-01-31T12:00:00Z, at most a day ahead", _is_instant),
    }
    for name, (right, fits) in expected.items():
        if name not in row:
            faults.append(Fault(f"{at}.{name}", right, "nothing"))
        elif not fits(row[name]):
            found = kind_of(row[name])
            faults.append(Fault(f"{at}.{name}", right, found if found in ("null", "a boolean") else f"{found} that is not that"))
    return faults


def _is_instant(value: Any) -> bool:
    if type(value) is not str or len(value) > 40 or "T" not in value:
        return False
    try:
        instant = _instant(value)
        return instant.tzinfo is not None and instant >= _EARLIEST and (instant - datetime.now(UTC)).total_seconds() < 86_400
    except (ValueError, OverflowError, TypeError):
        return False


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _place(labels: list[Label], request_id: str, row: int) -> int:
    return max(place for place, label in enumerate(labels) if label[:2] == (request_id, row))
