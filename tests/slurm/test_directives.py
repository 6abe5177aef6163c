"""Settings become words for sbatch; what is wrong or hostile does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

pytestmark = pytest.mark.usefixtures("zenml_store")


def _options(
    settings: dict[str, Any] | None = None, resources: dict[str, Any] | None = None, folder: str = "/jobs/a", **config: Any
) -> list[str]:
    from zenml.config import ResourceSettings

    from stacks.slurm.config import SlurmStepOperatorConfig
    from stacks.slurm.directives import sbatch_options
    from stacks.slurm.settings import SlurmSettings

    site = SlurmStepOperatorConfig(folder="/jobs", **config)
    asked = ResourceSettings(**(resources or {}))
    return sbatch_options(SlurmSettings(**(settings or {})), asked, site, name="work-1", folder=Path(folder))


PARTITIONS = {"cpu": "c", "gpu": "g", "interruptible_cpu": "ic", "interruptible_gpu": "ig"}


@pytest.mark.parametrize(
    ("gpus", "interruptible", "partition"), [(0, False, "c"), (1, False, "g"), (0, True, "ic"), (2, True, "ig")]
)
def test_the_partition_follows_the_need(gpus: int, interruptible: bool, partition: str) -> None:
    options = _options({"interruptible": interruptible}, {"gpu_count": gpus}, partitions=PARTITIONS)
    assert f"--partition={partition}" in options
    assert (f"--gres=gpu:{gpus}" in options) is (gpus > 0)


def test_a_steps_own_partition_and_gres_win() -> None:
    options = _options({"partition": "mine", "gres": "gpu:a100:1"}, {"gpu_count": 2}, partitions=PARTITIONS)
    assert [option for option in options if "partition" in option] == ["--partition=mine"]
    assert [option for option in options if "gres" in option] == ["--gres=gpu:a100:1"]


def test_resources_become_slurms_units() -> None:
    options = _options(resources={"cpu_count": 1.5, "memory": "1GB", "gpu_count": 1, "gpu_class": "a100"})
    assert {"--cpus-per-task=2", "--mem=954M", "--gres=gpu:a100:1"} <= set(options)
    assert "--mem=16384M" in _options(resources={"memory": "16GiB"})


def test_the_rest_is_handed_on() -> None:
    settings = {"time": "1-00:00:00", "qos": "low", "account": "er_a", "constraint": "skylake&ib", "warning_seconds": 120}
    options = _options({**settings, "extra": {"mail-type": "END", "exclusive": True, "contiguous": False, "nice": 5}})
    wanted = {"--time=1-00:00:00", "--qos=low", "--account=er_a", "--constraint=skylake&ib", "--signal=B:USR1@120"}
    assert wanted | {"--mail-type=END", "--exclusive", "--nice=5"} <= set(options)
    assert not any("contiguous" in option for option in options)
    assert {"--requeue", "--open-mode=append", "--export=NIL", "--parsable"} <= set(options)


def test_a_folders_percent_sign_is_not_a_pattern() -> None:
    assert "--output=/jobs/50%%j x/log" in _options(folder="/jobs/50%j x")


@pytest.mark.parametrize("value", ["a b", "a\nb", "a;b", "a'b", 'a"b', "$(id)", "`id`", "", "a\\b", "a\0b", "é"])
@pytest.mark.parametrize("field", ["partition", "qos", "account", "constraint", "gres"])
def test_hostile_names_are_refused(field: str, value: str) -> None:
    with pytest.raises(ValidationError, match="is not a name Slurm knows"):
        _options({field: value})


@pytest.mark.parametrize("value", ["1 hour", "1:2:3:4", "-5", "", "\n5", 7200, 5.0, True])
def test_times_slurm_would_misread_are_refused(value: object) -> None:
    with pytest.raises(ValidationError, match=r"is not a time limit\. Write minutes, 'HH:MM:SS' or 'D-HH:MM:SS', in quotes\."):
        _options({"time": value})


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"--nice": 1}, "written without dashes"),
        ({"Nice": 1}, "written without dashes"),
        ({"a b": 1}, "written without dashes"),
        ({"wrap": "id"}, "set by the step operator"),
        ({"export": "ALL"}, "set by the step operator"),
        ({"array": "0-3"}, "set by the step operator"),
        ({"partition": "x"}, "setting of its own"),
        ({"mem": "1G"}, "ResourceSettings"),
        ({"comment": "a\n#SBATCH --wrap=id"}, "line break"),
    ],
)
def test_extra_directives_cannot_take_over(extra: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        _options({"extra": extra})


def test_an_unknown_setting_names_the_valid_ones() -> None:
    with pytest.raises(ValidationError, match=r"'partitoin'\. Did you mean 'partition'\? Valid settings: account, constraint,"):
        _options({"partitoin": "cpu"})


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"partitions": {"tpu": "x"}}, "interruptible_gpu"),
        ({"environment": {"A B": "x"}}, "cannot be the name"),
        ({"pass_environment": ["A=B"]}, "cannot be the name"),
        ({"setup": ["a\nb"]}, "more than one line"),
        ({"fodler": "x"}, "Unknown setting 'fodler'"),
        ({"time": 60}, "is not a time limit"),
    ],
)
def test_a_wrong_configuration_is_refused(config: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        _options(**config)
