"""What the language model's process is told of this one's environment: what libraries need, and no secret."""

from __future__ import annotations

from collections.abc import Mapping

_NAMES = frozenset({"PATH", "HOME", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV"})
_PREFIXES = ("LC_", "CUDA_", "NVIDIA_", "HIP_", "ROCR_", "GGML_", "LLAMA_", "OMP_", "OPENBLAS_", "MKL_")


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that the process gets: a list of those allowed, for nobody can list all that are secret."""
    return {name: value for name, value in environment.items() if name in _NAMES or name.startswith(_PREFIXES)}
