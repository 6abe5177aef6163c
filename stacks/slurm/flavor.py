"""The flavor ZenML registers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenml.step_operators import BaseStepOperatorFlavor

from .config import SlurmStepOperatorConfig

if TYPE_CHECKING:
    from .operator import SlurmStepOperator


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
