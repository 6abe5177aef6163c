"""Which tests stay in one process where several test, and which begin first."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

SHORT = {
    **dict.fromkeys(("browser", "pipelines", "benchmarks", "steps", "stacks", "materializers", "slurm"), "pipelines"),
    **{folder: folder for folder in ("assistant", "registry", "serving")},
}
"""By their folder, the short tests that stay together in a run of all: they share whole runs, ZenML's store or services."""

FRAUD_RUN = (
    *("tests/browser/", "tests/examples/", "tests/test_package.py"),
    *("tests/pipelines/test_fraud_run.py", "tests/pipelines/test_examples.py", "tests/pipelines/test_monitoring_run.py"),
)
"""The files whose long tests share the fraud pipeline's run."""

ALONE = (
    *("tests/pipelines/test_clean.py", "tests/pipelines/test_monitoring_retrain.py", "tests/slurm/test_independent.py"),
    *("tests/slurm/test_preemption.py", "tests/slurm/test_runs.py", "tests/slurm/test_trouble.py", "tests/slurm/test_users.py"),
)
"""The files whose long tests share nothing, and mostly wait."""

LONGEST = (
    "tests/slurm/test_churn_on_slurm.py",
    "tests/slurm/test_fraud_on_slurm.py",
    "fraud run",
    "tests/pipelines/test_monitoring_retrain.py::test_the_documented_example_ends_as_the_document_says",
    "tests/pipelines/test_monitoring_retrain.py::test_a_drifted_log_leads_to_a_new_champion_that_is_served",
    "tests/slurm/test_preemption.py::test_a_job_that_runs_out_of_time_goes_on",
    "tests/assistant/test_redteam.py",
    "tests/serving/test_schemathesis.py",
    "tests/pipelines/test_monitoring_kinds.py",
    "tests/pipelines/test_churn_run.py",
    "tests/slurm/test_preemption.py::test_a_job_that_runs_out_of_time_too_often_is_told_so",
    "tests/features/test_engines.py",
    "tests/benchmarks/test_mutation.py",
    "tests/registry/test_mlflow_clients.py",
    "tests/clients/test_generated_clients.py",
    "tests/serving/test_neighbours.py",
    "pipelines",
    "serving",
    "assistant",
)
"""What begins first, the longest before all: for something long that began last, one process would work while others wait."""


class ByFile(LoadScopeScheduling):
    """A file's tests stay in one process, for they share what takes long to make; some files' stay together, some scatter."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        """Look at what was asked for: all short tests, or others."""
        super().__init__(config, log)
        self._all_short = config.option.markexpr == "not full" and not config.option.file_or_dir

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if self._all_short:
            return SHORT.get(file.removeprefix("tests/").partition("/")[0], file)
        if self.config.option.markexpr.startswith("full"):
            return "fraud run" if file.startswith(FRAUD_RUN) else nodeid if file in ALONE else file
        return file

    def _assign_work_unit(self, node: Any) -> None:
        rank = {scope: place for place, scope in enumerate(LONGEST)}
        self.workqueue.move_to_end(min(self.workqueue, key=lambda scope: rank.get(scope, len(rank))), last=False)
        super()._assign_work_unit(node)
