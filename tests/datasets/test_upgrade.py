"""Declarations of other versions: older ones become today's by steps, others are refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from fusionguard.datasets.declaration import VERSION
from fusionguard.datasets.upgrade import UPGRADES, upgraded


def _renamed(old: str, new: str) -> Any:
    return lambda content: {new if key == old else key: value for key, value in content.items()}


STEPS = {2: _renamed("target", "outcome"), 3: _renamed("outcome", "label")}


def test_steps_lead_from_version_to_version() -> None:
    old = {"version": 2, "target": "fraud", "id": "a"}
    assert upgraded(old, STEPS, 4) == {"version": 4, "label": "fraud", "id": "a"}
    assert upgraded({"version": 3, "target": "kept"}, STEPS, 4) == {"version": 4, "target": "kept"}
    assert old == {"version": 2, "target": "fraud", "id": "a"}


@pytest.mark.parametrize(
    ("version", "wrong"),
    [
        (5, "made by a newer version: 5; this one reads 4. Install a newer FusionGuard"),
        (1, "made by an unknown version: 1; this one reads 2 to 4"),
        (-1, "made by an unknown version: -1; this one reads 2 to 4"),
        (True, "version is true; it must be a whole number, today 4"),
        (2.0, "version is 2.0; it must be a whole number, today 4"),
        (None, "version is empty; it must be a whole number, today 4"),
    ],
)
def test_other_versions_are_refused_by_name(version: object, wrong: str) -> None:
    with pytest.raises(ValueError) as caught:
        upgraded({"version": version}, STEPS, 4)
    assert str(caught.value) == wrong


def test_every_step_is_there() -> None:
    assert sorted(UPGRADES) == list(range(1, VERSION))
