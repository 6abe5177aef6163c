"""A step that does nothing, in this process and as a job by turns; it needs ZenML alone."""

from __future__ import annotations

from zenml import pipeline, step


@step(enable_cache=False)
def nothing(number: int) -> int:
    """Count on."""
    return number + 1


@pipeline(enable_cache=False)
def by_turns(pairs: int) -> None:
    """Chain ``here_0``, ``job_0``, ``here_1`` and so on."""
    number: int = 0
    for pair in range(pairs):
        number = nothing(number, id=f"here_{pair}")
        number = nothing(number, id=f"job_{pair}")


PIPELINE = by_turns
