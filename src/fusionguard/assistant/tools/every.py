"""Every tool of a home: the one place that lists them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fusionguard.assistant.known_models import KnownModels, served_release
from fusionguard.assistant.tools.comparing import comparing_tool
from fusionguard.assistant.tools.explaining import explaining_tool
from fusionguard.assistant.tools.metrics import metrics_tool
from fusionguard.assistant.tools.models import ScoringModels
from fusionguard.assistant.tools.monitoring import monitoring_tool
from fusionguard.assistant.tools.scoring import scoring_tool
from fusionguard.assistant.tools.toolbox import Toolbox
from fusionguard.home import Home


def open_tools(home: Home, known: KnownModels, environment: Mapping[str, str]) -> Toolbox:
    """Return the tools of a home.

    Release and prediction log are those of the scoring service that ``environment`` describes, by default the home's own.
    """
    predictions = environment.get("FUSIONGUARD_SERVE_LOG")
    models = ScoringModels(home, served_release(home, environment))
    return Toolbox(
        (
            metrics_tool(home, known),
            monitoring_tool(home, known),
            comparing_tool(home, known),
            explaining_tool(Path(predictions) if predictions else home.predictions, known, models),
            scoring_tool(known, models),
        )
    )
