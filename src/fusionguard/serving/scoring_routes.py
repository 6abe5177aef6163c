"""The routes that score: one row, a batch, an explanation; what they answer is logged, and shadowed by a challenger."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar
from urllib.parse import parse_qs

import numpy as np
import pyarrow as pa

from fusionguard.families.family import REASONS, FamilyTraits
from fusionguard.families.online import Answer, Answers
from fusionguard.families.request_fields import ID, Columns
from fusionguard.features.online.state import Event, OnlineState, Outcome, Remembered
from fusionguard.serving.http import JSON, Request, Response, json_response
from fusionguard.serving.loaded import LoadedModel, LoadedRelease
from fusionguard.serving.metrics import Metrics
from fusionguard.serving.prediction_log import LoggedBatch, LoggedRow, PredictionLog
from fusionguard.serving.prediction_log.events import event_digest
from fusionguard.serving.problems import Fault, ProblemError, invalid
from fusionguard.serving.remembering import Remembering, named_event, not_looked_up, past_columns
from fusionguard.serving.requests import ManyRows, OneRow
from fusionguard.serving.settings import ServeSettings
from fusionguard.serving.tables import ARROW, OCTETS, PARQUET, read_table, write_table

ONE_ROW_BYTES = 64 * 1024

WITHOUT_HISTORY = "rows_without_history"
"""The member of an answer that says how many rows were scored without their past, which could not be looked up."""

_Given = TypeVar("_Given")
_Found = TypeVar("_Found")

_log = logging.getLogger(__name__)


class ScoringRoutes:
    """The scoring routes of one model, by its name.

    Parameters
    ----------
    traits
        The family that it is of; its outputs are the same on every data set.
    log
        Returns where what a model answers is logged; None where nothing is.
    remembering
        Looks up what happened before a row.
    """

    def __init__(
        self,
        name: str,
        traits: FamilyTraits,
        settings: ServeSettings,
        metrics: Metrics,
        log: Callable[[LoadedModel], PredictionLog | None],
        remembering: Remembering,
        batches: ThreadPoolExecutor,
        explanations: ThreadPoolExecutor,
    ) -> None:
        self.model: LoadedModel | None = None
        self.challenger: LoadedModel | None = None
        self._name, self._outputs = name, tuple(traits.outputs)
        self._decision, self._reasons = self._outputs.index("decision"), self._outputs.index(REASONS)
        self._probability = self._outputs.index("probability")
        self._settings, self._metrics, self._log_of = settings, metrics, log
        self._remembering, self._batches, self._explanations = remembering, batches, explanations
        self._waiting = 0

    def use(self, release: LoadedRelease) -> None:
        """Answer with the models of a release from the next request on; those at work end with the models they began with."""
        self.model, self.challenger = release.champions.get(self._name), release.challengers.get(self._name)

    async def score(self, request: Request) -> Response:
        """Score one row; the reasons of a flagged one are found in another thread, so that nobody waits behind them."""
        request.media_type((JSON,))
        body = await request.body(ONE_ROW_BYTES)
        model, challenger = self._model(), self.challenger
        row = model.reader.read_one(body)
        found = await self._look_up(request, model, row, self._remembering.observe)
        answer = model.online.decide(model.with_past(row.values, found))
        if answer.flagged:
            answer = await self._elsewhere(model.online.add_reasons, answer)
        self._note(request, model, answer, row.event, found)
        if challenger is not None:
            asyncio.get_running_loop().call_soon(self._shadow_one, request, (model, challenger), row.values, body, found)
        return json_response(self._content(request, model, answer, row.id) | _without([found]), _headers(model))

    async def explain(self, request: Request) -> Response:
        """Score one row and tell what each feature adds."""
        request.media_type((JSON,))
        body = await request.body(ONE_ROW_BYTES)
        model = self._model()
        row = model.reader.read_one(body)
        found = await self._look_up(request, model, row, self._remembering.peek)
        told = await self._elsewhere(model.online.explain, model.with_past(row.values, found))
        self._note(request, model, told.answer)
        content = self._content(request, model, told.answer, row.id) | _without([found])
        values = [*told.answer.features, *[None] * (len(told.names) - len(told.answer.features))]
        added = sorted(zip(told.names, values, told.values, told.words, strict=True), key=lambda each: -abs(each[2]))
        content["base"] = told.base
        content["contributions"] = [
            {"feature": model.family.called(name), "value": value, "contribution": contribution, "words": words}
            for name, value, contribution, words in added
        ]
        return json_response(content, _headers(model))

    def teller(self, release: LoadedRelease) -> Callable[[list[Outcome]], None] | None:
        """Return what outcomes are handed to, so that later rows see them; None where no row of this model does."""
        champion = release.champions.get(self._name)
        if champion is None or champion.state is None or not champion.state.takes_outcomes:
            return None
        return partial(self._remembering.tell, champion.state)

    async def _look_up(
        self,
        request: Request,
        model: LoadedModel,
        row: OneRow,
        ask: Callable[[OnlineState, Event, bool], Awaitable[Remembered]],
    ) -> Remembered | None:
        """Return what a row sees; None where its model reads nothing of the past."""
        if model.state is None or row.event is None:
            return None
        return await ask(model.state, named_event(row.event, row.id, request.id, 0), model.family.scores_without_history)

    async def score_batch(self, request: Request) -> Response:
        """Score many rows, in the thread of batches, so that single rows are answered meanwhile."""
        kind = request.media_type((JSON, ARROW, PARQUET, OCTETS))
        accepted, id_column = _accepted(request), self._id_column(request, kind)
        body = await request.body(self._settings.largest_body_bytes)
        models = self._model(), self.challenger  # of one release, whatever is loaded while the batch waits
        if self._waiting > self._settings.waiting_batches:
            raise ProblemError(429, "busy", "Too many batches wait for their turn.", headers={"retry-after": "1"})
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            score = partial(self._score_many, request, models, body, kind, accepted, id_column)
            return await loop.run_in_executor(self._batches, copy_context().run, score)  # the thread knows whose request it is
        finally:
            self._waiting -= 1

    def _score_many(
        self,
        request: Request,
        models: tuple[LoadedModel, LoadedModel | None],
        body: bytes,
        kind: str,
        accepted: str,
        id_column: str,
    ) -> Response:
        model, challenger = models
        most = self._settings.largest_batch_rows
        rows = _read_many(model, body, kind, most, id_column)
        past: Columns = {}
        found: list[Remembered] = []
        if model.state is not None:
            ids = rows.ids or [None] * rows.rows
            events = [named_event(each, ids[place], request.id, place) for place, each in enumerate(rows.events)]
            found = self._remembering.observe_all(model.state, events, model.family.scores_without_history)
            past = past_columns(model.past, found)
        answers = model.online.many(rows.columns | past)
        self._note_many(request, model, answers, rows.events, found, role="champion")
        if challenger is not None:
            read = None if _alike(model, challenger) else partial(_read_many, challenger, body, kind, most, id_column)
            self._batches.submit(self._shadow_many, request, challenger, rows, read, past)
        if accepted == JSON:
            return self._batch_json(request, model, answers, rows, found)
        table = answers.values.append_column("decision_reason", pa.array(answers.whys, pa.string()))
        if rows.ids is not None:
            table = table.add_column(0, rows.id_name, pa.array(rows.ids))
        about = {"request_id": request.id, "model_version": model.version, "origin": model.origin}
        about |= {name: str(rows) for name, rows in _without(found).items()}
        return Response(200, write_table(table.replace_schema_metadata(about), accepted), accepted, _headers(model))

    def _batch_json(
        self, request: Request, model: LoadedModel, answers: Answers, rows: ManyRows, found: Sequence[Remembered]
    ) -> Response:
        columns: dict[str, Any] = {} if rows.ids is None else {rows.id_name: rows.ids}
        for name in self._outputs:
            column = answers.values[name]
            numeric = pa.types.is_floating(column.type)
            columns[name] = np.ascontiguousarray(column.to_numpy()) if numeric else column.to_pylist()
        columns[REASONS] = [text.split("; ") if text else [] for text in columns[REASONS]]
        columns["decision_reason"] = answers.whys
        content = self._about(request, model) | {"rows": rows.rows, "flagged_without_reasons": answers.unexplained}
        content |= _without(found)
        if rows.by_column:
            return json_response(content | {"columns": columns}, _headers(model))
        lists = [values.tolist() if isinstance(values, np.ndarray) else values for values in columns.values()]
        content["answers"] = [dict(zip(columns, values, strict=True)) for values in zip(*lists, strict=True)]
        return json_response(content, _headers(model))

    def _id_column(self, request: Request, kind: str) -> str:
        """Return the column of a table that names its rows: what the query's ``id`` says, else ``id``."""
        named = parse_qs(request.query.decode("latin-1"), keep_blank_values=True, encoding="utf-8").get("id", [])
        if not named:
            return ID
        expected = "a column's name, once" if len(named) > 1 else None
        if kind == JSON:
            expected = "none: in JSON each row has its own 'id'"
        elif named[0] in (*self._outputs, "decision_reason"):
            expected = "a name that no other column of the answer has"
        if expected is not None:
            raise invalid([Fault("query.id", expected, "another value")])
        return named[0]

    async def _elsewhere(self, function: Callable[[_Given], _Found], given: _Given) -> _Found:
        run = copy_context().run
        return await asyncio.get_running_loop().run_in_executor(self._explanations, run, function, given)

    def _model(self) -> LoadedModel:
        if self.model is None:
            raise ProblemError(404, "no_model", f"This service holds no {self._name} model.")
        return self.model

    def _about(self, request: Request, model: LoadedModel) -> dict[str, Any]:
        return {"request_id": request.id, "model": self._name, "model_version": model.version, "origin": model.origin}

    def _content(self, request: Request, model: LoadedModel, answer: Answer, row_id: str | int | None) -> dict[str, Any]:
        content = self._about(request, model)
        if row_id is not None:
            content["id"] = row_id
        content.update(zip(self._outputs, answer.values, strict=True))
        reasons = answer.values[self._reasons]
        content[REASONS] = reasons.split("; ") if reasons else []
        content["decision_reason"] = answer.why
        return content

    def _note(
        self,
        request: Request,
        model: LoadedModel,
        answer: Answer,
        event: Event | None = None,
        found: Remembered | None = None,
    ) -> None:
        """Count and log an answer; a row that was recorded with its event and what that saw."""
        decision, probability = answer.values[self._decision], answer.values[self._probability]
        self._metrics.decision(self._name, model.version, decision, probability)
        if (log := self._log_of(model)) is not None:
            now = time.time_ns() // 1000
            named = None if event is None else event_digest(event.id)
            exact = None if found is None else found.exact
            owner = model.owner(event) if _looked_up(found) else None
            about = request.id, now, model.version, model.origin
            log.append(LoggedRow(*about, answer.values, answer.features, event=named, exact=exact, owner=owner))

    def _note_many(
        self,
        request: Request,
        model: LoadedModel,
        answers: Answers,
        events: Sequence[Event] = (),
        found: Sequence[Remembered] = (),
        *,
        role: str,
    ) -> None:
        for counted in answers.values["decision"].value_counts().to_pylist():
            self._metrics.decisions(self._name, model.version, role, counted["values"], counted["counts"])
        if (log := self._log_of(model)) is not None:
            now = time.time_ns() // 1000
            log.append(
                LoggedBatch(
                    request.id,
                    now,
                    model.version,
                    model.origin,
                    answers.values,
                    answers.features,
                    shadow=role == "challenger",
                    events=[event_digest(each.id) for each in events],
                    exact=[each.exact for each in found],
                    owners=[model.owner(event) if _looked_up(each) else None for event, each in zip(events, found, strict=False)],
                )
            )

    def _shadow_one(
        self,
        request: Request,
        models: tuple[LoadedModel, LoadedModel],
        values: list[Any],
        body: bytes,
        found: Remembered | None,
    ) -> None:
        challenger = models[1]
        try:
            values = values if _alike(*models) else challenger.reader.read_one(body).values
            answer = challenger.online.one(challenger.with_past(values, found))
        except Exception as error:  # whatever is wrong with a challenger is counted, and reaches nobody
            self._shadow_failed(error)
            return
        self._metrics.decisions(self._name, challenger.version, "challenger", answer.values[self._decision], 1)
        if (log := self._log_of(challenger)) is not None:
            now = time.time_ns() // 1000
            log.append(
                LoggedRow(request.id, now, challenger.version, challenger.origin, answer.values, answer.features, shadow=True)
            )

    def _shadow_many(
        self, request: Request, challenger: LoadedModel, rows: ManyRows, read: Callable[[], ManyRows] | None, past: Columns
    ) -> None:
        """Score a batch in the shadow; ``read`` reads it anew for a challenger that was made of other columns."""
        try:
            rows, seen = rows if read is None else read(), {name: past[name] for name in challenger.past}
            self._note_many(request, challenger, challenger.online.many(rows.columns | seen), role="challenger")
        except Exception as error:
            self._shadow_failed(error)

    def _shadow_failed(self, error: Exception) -> None:
        self._metrics.shadow_failed(self._name)
        _log.error("The challenger of %s failed: %s", self._name, type(error).__name__)


def _read_many(model: LoadedModel, body: bytes, kind: str, most: int, id_column: str) -> ManyRows:
    return model.reader.read_many(body, most) if kind == JSON else read_table(body, kind, model.family, most, id_column)


def _alike(model: LoadedModel, challenger: LoadedModel) -> bool:
    """Whether what was read for one model is what another one reads."""
    return model.family is challenger.family or model.reader.fields == challenger.reader.fields


def _looked_up(found: Remembered | None) -> bool:
    return found is not None and not not_looked_up([found])


def _without(found: Sequence[Remembered | None]) -> dict[str, int]:
    """Return what an answer says of rows whose past could not be looked up; nothing where there are none."""
    rows = not_looked_up(found)
    return {WITHOUT_HISTORY: rows} if rows else {}


def _headers(model: LoadedModel) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"x-model-version", model.version.encode()), (b"x-model-origin", model.origin.encode()))


def _accepted(request: Request) -> str:
    """Return the media type of the answer: the first that the client names where that is a table's, else JSON."""
    wanted = request.headers.get(b"accept", b"").decode("latin-1").partition(",")[0].partition(";")[0].strip().lower()
    return wanted if wanted in (ARROW, PARQUET) else JSON
