"""Every tool of a home: the one place that lists them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fusionguard.assistant.tools.comparing import comparing_tool
from fusionguard.assistant.tools.explaining import explaining_tool
from fusionguard.assistant.tools.metrics import metrics_tool
from fusionguard.assistant.tools.models import ScoringModels
from fusionguard.assistant.tools.monitoring import monitoring_tool
from fusionguard.assistant.tools.scoring import scoring_tool
from fusionguard.assistant.tools.toolbox import Toolbox
from fusionguard.home import Home


def open_tools(home: Home, environment: Mapping[str, str]) -> Toolbox:
    """Return the tools of a home.

    Release and prediction log are those of the scoring service that ``environment`` describes, by default the home's own.
    """
    from fusionguard.serving.launch import release_folder

    release = environment.get("FUSIONGUARD_SERVE_RELEASE")
    predictions = environment.get("FUSIONGUARD_SERVE_LOG")
    models = ScoringModels(home, Path(release) if release else release_folder(home))
    return Toolbox(
        (
            metrics_tool(home),
            monitoring_tool(home),
            comparing_tool(home),
            explaining_tool(Path(predictions) if predictions else home.predictions, models),
            scoring_tool(models),
        )
    )
