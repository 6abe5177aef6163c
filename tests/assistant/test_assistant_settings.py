"""The settings come from the environment, and a wrong one is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionguard.assistant.settings import read_settings
from fusionguard.errors import UsageError


def test_variables_become_fields() -> None:
    settings = read_settings({"FUSIONGUARD_ASSISTANT_MODEL": "/m.gguf", "FUSIONGUARD_ASSISTANT_THREADS": "2", "OTHER": "x"})
    assert (settings.model, settings.threads, settings.gpu_layers) == (Path("/m.gguf"), 2, 0)
    assert read_settings({"FUSIONGUARD_ASSISTANT_MODEL": ""}).model is None


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("MODLE", "x", "There are: FUSIONGUARD_ASSISTANT_INDEX"),
        ("THREADS", "none", "FUSIONGUARD_ASSISTANT_THREADS"),
        ("ANSWER_SECONDS", "0", "FUSIONGUARD_ASSISTANT_ANSWER_SECONDS"),
        ("ANSWER_TOKENS", "2000", "half of the 2048 tokens"),
    ],
)
def test_a_wrong_one_names_itself(name: str, value: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_settings({f"FUSIONGUARD_ASSISTANT_{name}": value})
    assert told in str(caught.value)
