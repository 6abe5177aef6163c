"""A job that is warned: by many signals at once it hears of it, says so once, and goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_STEP = """
import signal, sys
from stacks.slurm.warning import ignore_end, warned

left = 40

def warn_again(frame, event, argument):
    global left
    if left:
        left -= 1
        signal.raise_signal(signal.SIGUSR1)

ignore_end()
print(warned())
sys.settrace(warn_again)
signal.raise_signal(signal.SIGTERM)
sys.settrace(None)
print(warned(), left < 40)
"""


def test_signals_that_meet_in_the_handler_do_not_stop_the_step() -> None:
    """A scheduler's TERM and the job script's USR1 come together: here one in each call that a handler makes."""
    step = subprocess.run([sys.executable, "-c", _STEP], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert (step.returncode, step.stdout) == (0, "False\nTrue True\n")
    assert step.stderr == "slurm: warned that this job will end soon\n"
