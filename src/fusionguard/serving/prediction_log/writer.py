"""The writing end of the prediction log: rows are taken on the hot path and written by a thread of their own."""

from __future__ import annotations

import atexit
import logging
import os
import secrets
import threading
import time
from pathlib import Path
from types import TracebackType

import pyarrow as pa

from fusionguard.errors import StorageError, UsageError
from fusionguard.files import storage_errors
from fusionguard.serving.prediction_log.compaction import compact
from fusionguard.serving.prediction_log.parts import part_name, write_part
from fusionguard.serving.prediction_log.records import Record, to_pieces
from fusionguard.serving.prediction_log.schema import Logged, LogLayout, log_layout
from fusionguard.serving.prediction_log.stats import LOST, LogStats, Lost

PARTS_BEFORE_MERGE = 64
"""So many parts of one process are merged, in a thread of their own, with what earlier merges left small."""

CLOSE_SECONDS = 10.0
BREATH_SECONDS = 0.0005
"""How long the thread lets others run between two pieces of work that hold the interpreter."""

_log = logging.getLogger(__name__)


class PredictionLog:
    """The log of one model in one process; make one with :meth:`open`, after a fork, and :meth:`close` it.

    Any thread may append. Several processes may write to the same folder.
    """

    def __init__(self, folder: Path, layout: LogLayout, flush_seconds: float, max_rows: int, rotate_rows: int) -> None:
        self.folder = folder
        self._layout, self._model, self._flush_seconds = layout, layout.model, flush_seconds
        self._max_rows, self._rotate_rows = max_rows, rotate_rows
        self._early_rows = max(1, max_rows // 4)
        self._lock = threading.Lock()  # held for fractions of a microsecond, never around the disk
        self._queue: list[Record] = []
        self._converted: list[pa.Table] = []  # of the thread alone
        self._accepted = self._written = self._dropped = 0
        self._lost: dict[Lost, int] = dict.fromkeys(LOST, 0)
        self._parts = self._failures = 0
        self._refusal: str | None = None
        self._misfit: str | None = None
        self._token = secrets.token_hex(4)
        self._closed = self._failing = self._given_up = False
        self._closing, self._wake, self._rounds = threading.Event(), threading.Event(), threading.Condition()
        self._rounds_begun = self._rounds_ended = 0
        self._merging: threading.Thread | None = None
        self._thread = threading.Thread(target=self._run, name=f"{layout.model} prediction log", daemon=True)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        model: Logged,
        flush_seconds: float = 2.0,
        max_rows: int = 200_000,
        rotate_rows: int = 500_000,
    ) -> PredictionLog:
        """Start logging to ``folder/model``; a disk that refuses is told by :attr:`stats`, and tried again.

        Parameters
        ----------
        folder
            The folder of all logs, made where it is missing.
        model
            Whose log it is: a family, on whatever data set; or the name of a family, on the one that ships for it.
        flush_seconds
            What was taken is on the disk after so many seconds and the time of one write: a kill loses no more.
        max_rows
            Rows kept in memory while the disk refuses; further ones are lost, and counted. A row of 31 features takes about
            1.6 kB until the next flush, and 350 bytes then; while the disk does not answer at all there is no next flush.
        rotate_rows
            Small parts are merged, until a part holds about so many rows.

        Raises
        ------
        UsageError
            A number that is not above 0.
        DataError
            The family's columns have names that the log has itself.
        UnknownChoiceError
            There is no such model.
        """
        for name, value in {"flush_seconds": flush_seconds, "max_rows": max_rows, "rotate_rows": rotate_rows}.items():
            if not 0 < value < float("inf"):
                raise UsageError(f"{name}={value} is not above 0.", "Give a larger number.")
        pa.array([])  # imports pandas, which fails while a process ends, and takes its time in a first flush
        layout = log_layout(model)
        log = cls(folder / layout.model, layout, flush_seconds, max_rows, rotate_rows)
        try:
            with storage_errors(log.folder):
                log.folder.mkdir(parents=True, exist_ok=True)
        except (OSError, StorageError) as error:
            log._fail(error)
        log._thread.start()
        atexit.register(log.close)
        return log

    def append(self, record: Record) -> bool:
        """Take a record to be written soon, without touching the disk; False where it was lost, as :attr:`stats` then says."""
        rows = record.rows
        with self._lock:
            pending = self._accepted + rows - self._written - self._dropped
            if pending > self._max_rows or self._closed:
                self._lost["closed" if self._closed else "no_room"] += rows
                return False
            self._accepted += rows
            self._queue.append(record)
        if pending >= self._early_rows and not self._failing and not self._wake.is_set():
            self._wake.set()
        return True

    @property
    def stats(self) -> LogStats:
        """What happened so far."""
        with self._lock:
            return LogStats(
                rows_accepted=self._accepted,
                rows_written=self._written,
                rows_lost_by=dict(self._lost),
                rows_pending=self._accepted - self._written - self._dropped,
                parts_written=self._parts,
                failed_writes=self._failures,
                last_error=self._refusal or self._misfit,
            )

    def flush(self, timeout_seconds: float = CLOSE_SECONDS) -> bool:
        """Try to write what was taken so far, now; tell whether nothing is pending. It waits: never call it from a request."""
        with self._rounds:
            wanted = self._rounds_begun + 1
            self._wake.set()
            self._rounds.wait_for(lambda: self._rounds_ended >= wanted or self._closed, timeout_seconds)
        return self.stats.rows_pending == 0

    def close(self, timeout_seconds: float = CLOSE_SECONDS) -> None:
        """Write what is pending and end; what the disk refuses for so long is lost, and counted. A second call does nothing."""
        until = time.monotonic() + timeout_seconds
        with self._lock:
            if self._closed:
                return
            self._closed = True
        atexit.unregister(self.close)
        self._closing.set()
        self._wake.set()
        for thread in (self._thread, self._merging):
            if thread is not None:
                thread.join(max(0.0, until - time.monotonic()))
        with self._lock:
            left = self._accepted - self._written - self._dropped
            self._given_up = True
            self._dropped += left
            self._lost["closed"] += left
        if left:
            _log.error("%d rows of the %s prediction log are lost: %s", left, self._model, self._refusal or "the disk stalls")

    def __enter__(self) -> PredictionLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _run(self) -> None:
        due = time.monotonic() + self._flush_seconds
        while not self._closing.is_set():
            self._wake.wait(max(0.0, due - time.monotonic()))
            self._wake.clear()
            due = time.monotonic() + self._flush_seconds
            self._round()
        self._round()

    def _round(self) -> None:
        with self._rounds:
            self._rounds_begun += 1
        try:
            if self._failing:
                with storage_errors(self.folder):
                    self.folder.mkdir(parents=True, exist_ok=True)
            self._convert()
            self._write()
            if self._failing:
                _log.warning("the %s prediction log is written again", self._model)
            self._failing, self._refusal = False, None
        except Exception as error:  # whatever it is, it is told, and the next round tries again: a dead thread would do neither
            self._fail(error)
        with self._rounds:
            self._rounds_ended = self._rounds_begun
            self._rounds.notify_all()

    def _convert(self) -> None:
        """Turn the queue into Arrow tables; a record that does not fit is lost."""
        with self._lock:
            taken, self._queue = self._queue, []
        left = sum(record.rows for record in taken)
        try:
            for piece in to_pieces(taken, self._layout):
                if piece.table is None:
                    self._misfit = piece.why
                    _log.warning("%d rows of the %s prediction log are lost: %s", piece.rows, self._model, piece.why)
                    continue
                self._converted.append(piece.table)
                left -= piece.rows
                if not self._closing.is_set():
                    time.sleep(BREATH_SECONDS)
        finally:
            self._settle(dropped=left)

    def _write(self) -> None:
        while self._converted:
            together = pa.concat_tables(self._converted).combine_chunks()
            self._converted = [together]
            table = together.slice(0, self._rotate_rows)
            write_part(self.folder / part_name(os.getpid(), self._parts, self._token), table)
            rest = together.slice(table.num_rows)
            self._converted = [rest] if rest.num_rows else []
            self._settle(parts=1, written=table.num_rows)
            if self._parts % PARTS_BEFORE_MERGE == 0 and (self._merging is None or not self._merging.is_alive()):
                self._merging = threading.Thread(target=self._merge, name=f"{self._model} log merge", daemon=True)
                self._merging.start()

    def _merge(self) -> None:
        try:
            compact(
                self.folder.parent, self._model, rotate_rows=self._rotate_rows, everything=False, stopped=self._closing.is_set
            )
        except (OSError, StorageError, pa.ArrowException, MemoryError) as error:
            told = str(error) if isinstance(error, OSError | StorageError) else type(error).__name__
            _log.warning("small parts of the %s prediction log are not merged for now: %s", self._model, told)

    def _settle(self, *, parts: int = 0, written: int = 0, dropped: int = 0) -> None:
        with self._lock:
            self._parts += parts
            if not self._given_up:  # else these rows are counted as lost already
                self._written += written
                self._dropped += dropped
                self._lost["unstorable"] += dropped

    def _fail(self, error: Exception) -> None:
        with self._lock:
            self._failures += 1
        # What the disk says is told; what a library such as Arrow says may hold a cell of the rows.
        expected = isinstance(error, OSError | StorageError)
        self._refusal = (str(error) if expected else "") or type(error).__name__
        if not self._failing:
            told = "the %s log cannot be written, and waits in memory: %s"
            _log.error(told, self._model, self._refusal, exc_info=None if expected else error, extra={"of_rows": True})
        self._failing = True
