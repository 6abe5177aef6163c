"""How many seconds a step takes longer as a job, beyond what Slurm lets it wait."""

from __future__ import annotations

from pathlib import Path

import yaml

from benchmarks.hpc.results import AddedSeconds
from fusionguard.home import Home
from pipelines.observer import StepObserver
from pipelines.placement import place
from pipelines.progress import SilentProgress
from stacks.provision import STACK_FOLDER, StepPlacement, provision
from stacks.session import active_stack, open_client


def measure_added(pairs: int, home: Home, folder: Path) -> AddedSeconds:
    """Run a step that does nothing ``pairs`` times here and as a job; the first pair, which copies the code, does not count."""
    client = open_client()
    from zenml.enums import ExecutionMode

    stack = provision("hpc", home, _stack_folder(folder))
    from benchmarks.hpc.trivial import PIPELINE

    arguments = {"pairs": pairs + 1}
    placements = {"job_*": StepPlacement(resources={"cpu_count": 1, "memory": "800MB"})}
    with active_stack(stack.id), StepObserver(client.active_stack.orchestrator, SilentProgress()) as observer:
        steps = place(PIPELINE, arguments, placements)
        PIPELINE.with_options(steps=steps, execution_mode=ExecutionMode.FAIL_FAST)(**arguments)
    run = client.get_pipeline_run(observer.run_id)
    seconds = {record.name: record.seconds for record in observer.records}
    counted = range(1, pairs + 1)
    return AddedSeconds(
        in_process=tuple(seconds[f"here_{pair}"] for pair in counted),
        as_job=tuple(seconds[f"job_{pair}"] for pair in counted),
        queued=tuple(float(run.steps[f"job_{pair}"].run_metadata["slurm_queue_seconds"]) for pair in counted),
    )


def _stack_folder(folder: Path) -> Path:
    """Return a folder with the project's own stack file, whose copy of the code takes the benchmarks along."""
    spec = yaml.safe_load((STACK_FOLDER / "hpc.yaml").read_text(encoding="utf-8"))
    configuration = spec["components"]["step_operator"]["configuration"]
    configuration["code"] += ["benchmarks"]
    configuration["pass_environment"] += ["PYTHONPYCACHEPREFIX"]
    target = folder / "stacks"
    target.mkdir(parents=True)
    (target / "hpc.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    return target
