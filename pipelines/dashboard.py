"""ZenML's dashboard, with stages that agree with the registry's aliases: ``python -m pipelines.dashboard``."""

from __future__ import annotations

import sys

from fusionguard.errors import FusionGuardError
from fusionguard.home import find_home
from fusionguard.registry.model_names import model_names
from stacks.dashboard import main as serve
from stacks.session import open_client


def main() -> int:
    """Take over what somebody has moved since the last run, for instance on MLflow's pages; then serve until Ctrl-C."""
    try:
        open_client()
        from steps.zenml_model import follow_registry

        home = find_home()
        for model in model_names(home):
            follow_registry(home, model)
    except FusionGuardError as error:
        sys.stderr.write(f"Stages of models may be old: {error}\n")
    return serve()


if __name__ == "__main__":
    sys.exit(main())
