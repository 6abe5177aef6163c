"""The flavors ZenML registers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenml.orchestrators.local.local_orchestrator import LocalOrchestratorFlavor
from zenml.step_operators import BaseStepOperatorFlavor

from .config import SlurmStepOperatorConfig

if TYPE_CHECKING:
    from .operator import SlurmStepOperator
    from .orchestrator import SlurmOrchestrator


class SlurmOrchestratorFlavor(LocalOrchestratorFlavor):
    """Steps here, one after the other, and the jobs of independent steps beside them; configured like ZenML's local one."""

    @property
    def name(self) -> str:
        """The flavor's name."""
        return "slurm"

    @property
    def implementation_class(self) -> type[SlurmOrchestrator]:
        """The orchestrator."""
        from .orchestrator import SlurmOrchestrator

        return SlurmOrchestrator


class SlurmStepOperatorFlavor(BaseStepOperatorFlavor):
    """Steps as Slurm batch jobs."""

    @property
    def name(self) -> str:
        """The flavor's name."""
        return "slurm"

    @property
    def config_class(self) -> type[SlurmStepOperatorConfig]:
        """What the component is configured with."""
        return SlurmStepOperatorConfig

    @property
    def implementation_class(self) -> type[SlurmStepOperator]:
        """The step operator."""
        from .operator import SlurmStepOperator

        return SlurmStepOperator
