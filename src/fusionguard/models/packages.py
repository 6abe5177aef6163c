"""What packages are called where they are installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def installed(*names: str) -> str:
    """Return the first of some names under which a package is installed, and the first of all where it is not."""
    for name in names:
        try:
            version(name)
        except PackageNotFoundError:
            continue
        return name
    return names[0]


XGBOOST = installed("xgboost-cpu", "xgboost")
"""XGBoost's package: on Linux its build without CUDA, which has a name of its own; elsewhere, or by choice, the other."""
