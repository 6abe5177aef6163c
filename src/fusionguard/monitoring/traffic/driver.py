"""Sends simulated rows to a running service, and their outcomes after them, as a bank's own systems would."""

from __future__ import annotations

import json
import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fusionguard.data.drifting import Drift
from fusionguard.datasets.shipped import declared_names, simulator
from fusionguard.errors import FusionGuardError, UsageError
from fusionguard.families.family import ModelFamily
from fusionguard.monitoring.traffic.drifts import largest_size, simulated_family, traffic_rows, usual_size
from fusionguard.registry.model_names import plain_name

if TYPE_CHECKING:
    import pandas as pd
    import urllib3

SIMULATED_PREFIX = "simulated-"
"""Request ids of simulated traffic begin with it, so that no reader of the log takes it for a bank's own."""

KEY_VARIABLE = "FUSIONGUARD_API_KEY"
"""The environment variable that holds the key of a service that asks for one."""

BATCH_ROWS = 500
LABELS_AT_ONCE = 10_000
ANSWER_SECONDS = 60.0
BUSY_ATTEMPTS = 10
"""So often a service that says Retry-After gets the same rows again; the log takes them once."""
CONNECT_SECONDS, READY_SECONDS = 5.0, 120.0
"""How long to wait for somebody to answer, and for one who answers to be ready."""
_SEED = 11
_ARROW = "application/vnd.apache.arrow.stream"


class TrafficError(FusionGuardError):
    """A service that does not answer, or refuses what it is sent."""


@dataclass(frozen=True)
class Traffic:
    """What is sent.

    Parameters
    ----------
    model
        Its name, or that of the data set that ships for it.
    rows, seed
        How many rows; the same seed gives the same ones. None is the simulator's usual one where rows go on, else 11.
    after
        Where models read what happened before: traffic goes on after so many rows of the seed, which they were trained on; None
        for the simulator's usual number.
    drift, size
        What changes, and how much of it; None for the kind's usual size.
    onset
        The share of the stream after which it changes.
    """

    model: str
    rows: int = 20_000
    drift: Drift = Drift.NONE
    size: float | None = None
    onset: float = 0.3
    seed: int | None = None
    after: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.onset < 1:
            raise UsageError(f"The onset {self.onset:g} is not a share of the stream.", "Choose one from 0 to below 1.")
        most = largest_size(self.drift)
        if self.size is not None and not 0 < self.size <= most:
            wanted = "a number above 0" + (f" and at most {most:g}" if most < math.inf else "")
            raise UsageError(f"{self.size:g} is no size for {self.drift.value}.", f"Choose {wanted}.")
        usual_size(self.model, self.drift)  # which refuses a drift that rows of the model cannot have
        if self.after is not None and simulator(plain_name(self.model)) is None:
            able = " and ".join(declared_names())
            raise UsageError(f"Rows of {self.model} come after no others.", f"Leave out --after; rows of {able} have it.")

    def make_rows(self) -> pd.DataFrame:
        """Return the rows as :func:`traffic_rows` does."""
        made_by = simulator(plain_name(self.model))
        seed, after = (_SEED, 0) if made_by is None else (made_by.usual_seed, made_by.usual_rows)
        return traffic_rows(
            self.model,
            self.rows,
            drift=self.drift,
            size=self.drift_size,
            onset=self.onset,
            seed=seed if self.seed is None else self.seed,
            after=after if self.after is None else self.after,
        )

    @property
    def drift_size(self) -> float:
        """The size as given, or the kind's usual one."""
        return usual_size(self.model, self.drift) if self.size is None else self.size


@dataclass(frozen=True)
class TrafficReport:
    """What was sent: rows scored and outcomes told, in how many seconds, from when (UTC) to when."""

    rows: int
    labels: int
    seconds: float
    began: datetime
    ended: datetime


def drive(
    service: str, traffic: Traffic, *, key: str | None = None, say: Callable[[int], None] = lambda _: None
) -> TrafficReport:
    """Send the rows in batches, then the outcomes that have arrived; ``say`` is told how many rows were scored so far.

    Raises
    ------
    TrafficError
        No service answers at the address, or it refuses rows or outcomes; what it says is in the message.
    """
    import urllib3

    size, family = traffic.drift_size, simulated_family(traffic.model)
    rows = traffic.make_rows()
    known = len(rows) - (round(size * len(rows)) if traffic.drift is Drift.LABEL_DELAY else 0)
    stem = f"{SIMULATED_PREFIX}{secrets.token_hex(6)}"
    busy = urllib3.Retry(
        BUSY_ATTEMPTS, connect=0, read=0, redirect=0, allowed_methods=None, status_forcelist=(429, 503), raise_on_status=False
    )
    with urllib3.PoolManager(timeout=ANSWER_SECONDS, retries=busy) as pool:
        client = _Client(pool, service.rstrip("/"), key)
        client.wait_ready()
        began, started = datetime.now(UTC), time.monotonic()
        for number, first in enumerate(range(0, len(rows), BATCH_ROWS)):
            client.score(family, rows.iloc[first : first + BATCH_ROWS], f"{stem}-{number}")
            say(min(first + BATCH_ROWS, len(rows)))
        labels = rows[family.schema.label].to_numpy()[:known]
        client.tell(family.model, stem, labels)
        return TrafficReport(len(rows), known, time.monotonic() - started, began, datetime.now(UTC))


class _Client:
    """The service as a client sees it."""

    def __init__(self, pool: urllib3.PoolManager, service: str, key: str | None) -> None:
        self._pool, self._service = pool, service
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def wait_ready(self) -> None:
        """Wait for a service that is starting."""
        began = time.monotonic()
        while True:
            status = self._ready()
            if status == 200:
                return
            if time.monotonic() - began > (CONNECT_SECONDS if status is None else READY_SECONDS):
                not_ready = f"The service is not ready ({status or 'no answer'})"
                said = "Nobody answers" if status is None else not_ready
                raise TrafficError(f"{said} at {self._service}.", "Start the service with 'make serve', or name another address.")
            time.sleep(0.2)

    def score(self, family: ModelFamily, rows: pd.DataFrame, request_id: str) -> None:
        import pyarrow as pa

        table = pa.Table.from_pandas(rows[[field.name for field in family.request_fields.all]], preserve_index=False)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        self._post(
            f"/v1/{family.model}/score_batch", sink.getvalue().to_pybytes(), {"Content-Type": _ARROW, "X-Request-ID": request_id}
        )

    def tell(self, model: str, stem: str, labels: Any) -> None:
        now = datetime.now(UTC).isoformat()
        for first in range(0, len(labels), LABELS_AT_ONCE):
            told = [
                {
                    "request_id": f"{stem}-{place // BATCH_ROWS}",
                    "row": place % BATCH_ROWS,
                    "label": int(labels[place]),
                    "observed_at": now,
                }
                for place in range(first, min(first + LABELS_AT_ONCE, len(labels)))
            ]
            body = json.dumps({"labels": told}).encode()
            self._post(f"/v1/{model}/labels", body, {"Content-Type": "application/json"})

    def _ready(self) -> int | None:
        """Return what the service says of itself; 0 where it listens and says nothing, None where nobody listens."""
        import urllib3

        try:
            return int(
                self._pool.request("GET", f"{self._service}/ready", headers=self._headers, timeout=5.0, retries=False).status
            )
        except (urllib3.exceptions.ReadTimeoutError, urllib3.exceptions.ProtocolError):
            return 0
        except urllib3.exceptions.HTTPError:
            return None

    def _post(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        import urllib3

        try:
            answer = self._pool.request("POST", self._service + path, body=body, headers=self._headers | headers)
        except urllib3.exceptions.HTTPError as error:
            raise TrafficError(
                f"The service at {self._service} stopped answering ({type(error).__name__}).",
                "See its log; what it had scored is in the prediction log.",
            ) from None
        if answer.status != 200:
            raise TrafficError(f"The service answered {answer.status} to {path}: {_detail(answer.data)}", _remedy(answer.status))


def _detail(body: bytes) -> str:
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return "no reason given."


def _remedy(status: int) -> str:
    if status == 401:
        return f"Put a key of the service into {KEY_VARIABLE}."
    return "Its page /docs says what it takes."
