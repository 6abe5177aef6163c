"""``run.py`` with the toy, and with a folder of stack files of the tests' own: the first argument."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import run
from pipelines import runner
from pipelines.catalog import CATALOG
from tests.slurm.toy_entry import ENTRY

if __name__ == "__main__":
    CATALOG["slurmtoy"] = ENTRY  # type: ignore[index]
    runner.execute = partial(runner.execute, stack_folder=Path(sys.argv[1]))
    sys.exit(run.main(sys.argv[2:]))
