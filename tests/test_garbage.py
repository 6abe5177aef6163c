"""Garbage is looked for among young objects as ever, and a process that leaves has done all that Python does at an end."""

from __future__ import annotations

import os
import subprocess
import sys

BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
SELDOM = """
import gc
from fusionguard.garbage import collect_seldom
before = gc.get_threshold()
collect_seldom()
assert gc.isenabled() and gc.get_threshold()[:2] == before[:2], "young garbage goes as ever"
whole = gc.get_stats()[2]["collections"]
kept = [[] for _ in range(60 * before[0] * before[1])]  # Python 3.13 waits for more of them than 3.11 does
assert gc.get_stats()[1]["collections"] > 20
print(gc.get_stats()[2]["collections"] - whole)
"""

LEAVES = """
import atexit, sys, threading, time
from fusionguard.garbage import leave

def late():
    time.sleep(0.3)
    print("a thread's last line")

class Kept:
    def __del__(self):
        print("taken apart")

atexit.register(print, "an exit function")
kept = Kept()
threading.Thread(target=late).start()
sys.stdout.write("not flushed yet, ")
leave(7)
"""


def test_what_stays_is_not_gone_through_again_and_again() -> None:
    done = subprocess.run([sys.executable, "-c", SELDOM], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "0\n"


def test_leaving_waits_for_threads_calls_exit_functions_and_flushes() -> None:
    done = subprocess.run([sys.executable, "-c", LEAVES], env=BUFFERED, capture_output=True, text=True, timeout=60)
    assert done.returncode == 7 and done.stderr == ""
    assert done.stdout == "not flushed yet, a thread's last line\nan exit function\n"


def test_leaving_with_a_reader_gone_is_no_fault() -> None:
    script = "import sys\nfrom fusionguard.garbage import leave\nsys.stdin.read()\nprint('nobody reads this')\nleave(0)\n"
    with subprocess.Popen(
        [sys.executable, "-c", script],
        env=BUFFERED,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None and process.stdin is not None and process.stderr is not None
        process.stdout.close()
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 0
