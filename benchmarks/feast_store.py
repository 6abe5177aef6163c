"""Run by a Python that has Feast, and nothing of this project: how long its online store in SQLite takes to be read.

It reads from stdin what :mod:`benchmarks.online_peers` writes there, and prints its version, the seconds of each answer, and the
last answer. The features are those that somebody else has computed; nothing is computed or recorded here.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

WARM_UP = 50


def main() -> None:
    """Write what stdin tells into a store, and ask it."""
    told = json.load(sys.stdin)
    with tempfile.TemporaryDirectory(prefix="fg-feast-") as folder, contextlib.redirect_stdout(sys.stderr):
        version, taken, last = _ask(Path(folder), told)
    sys.stdout.write(json.dumps({"version": version, "seconds": taken, "last": last}))


def _ask(folder: Path, told: dict[str, Any]) -> tuple[str, list[float], dict[str, Any]]:
    import feast
    import pandas as pd
    from feast.repo_config import RepoConfig
    from feast.types import Int64

    store = feast.FeatureStore(
        config=RepoConfig(
            project="payments",
            registry=str(folder / "registry.db"),
            provider="local",
            online_store={"type": "sqlite", "path": str(folder / "online.db")},
            offline_store={"type": "dask"},
            entity_key_serialization_version=3,
        )
    )
    now = pd.Timestamp.now(tz="UTC").floor("s")
    asked: list[str] = []
    for kind, values in told["values"].items():
        frame = pd.DataFrame([{kind: key, "at": now, **of} for key, of in values.items()])
        names = [name for name in frame.columns if name not in (kind, "at")]
        frame[names] = frame[names].astype("Int64")
        file = folder / f"{kind}.parquet"
        frame.to_parquet(file)
        entity = feast.Entity(name=kind, join_keys=[kind], value_type=feast.ValueType.STRING)
        view = feast.FeatureView(
            name=f"of_{kind}",
            entities=[entity],
            schema=[feast.Field(name=name, dtype=Int64) for name in names],
            source=feast.FileSource(path=str(file), timestamp_field="at"),
            online=True,
        )
        store.apply([entity, view])
        store.write_to_online_store(f"of_{kind}", frame)
        asked += [f"of_{kind}:{name}" for name in names]
    taken: list[float] = []
    last: dict[str, Any] = {}
    for keys in [*told["asked"][:WARM_UP], *told["asked"]]:
        begin = time.perf_counter()
        last = store.get_online_features(features=asked, entity_rows=[keys]).to_dict()
        taken.append(time.perf_counter() - begin)
    return feast.__version__, taken[min(WARM_UP, len(told["asked"])) :], {name: values[0] for name, values in last.items()}


if __name__ == "__main__":
    main()
