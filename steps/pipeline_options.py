"""What makes a pipeline one of these steps: how its artifacts are called, and when an earlier result of it is used again."""

from __future__ import annotations

from typing import Any

from steps.caching import CACHE_POLICY


def pipeline_options(name: str) -> dict[str, Any]:
    """Return what ``zenml.pipeline`` is called with where a pipeline is composed of these steps.

    The steps call their artifacts ``{pipeline}_...``: in ZenML a name is one for all pipelines, and would else stand for versions
    of several. ZenML's cache knows a result by its step's code and inputs: it would give a pipeline another one's artifact, under
    a name that the next step does not look for. So the key holds the pipeline's name, too, as a variable of the environment,
    which is what ZenML takes into it of all that a pipeline sets.
    """
    return {
        "name": name,
        "substitutions": {"pipeline": name},
        "tags": [f"pipeline:{name}"],
        "environment": {"FUSIONGUARD_PIPELINE": name},
        "cache_policy": CACHE_POLICY,
    }
