"""Whether the job this process runs in has been told that it will end soon."""

from __future__ import annotations

import os
from pathlib import Path

WARNING_VARIABLE = "FUSIONGUARD_WARNING"


def warned() -> bool:
    """Return True from the moment a cluster warns the job around this process; always False outside of jobs.

    A step that is warned saves what it has and then waits until it is ended: a job that leaves by itself is not queued again.
    """
    file = os.environ.get(WARNING_VARIABLE)
    return bool(file) and Path(str(file)).exists()
