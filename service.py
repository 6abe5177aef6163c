"""What BentoML loads, here and in an image: the service, with the release beside this file unless another one is named."""

import os
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE / "src"))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(_HERE / "src"), os.environ.get("PYTHONPATH"))))
os.environ.setdefault("FUSIONGUARD_SERVE_RELEASE", str(_HERE / "release"))

from fusionguard.serving.service import RiskScoring  # noqa: E402

__all__ = ["RiskScoring"]
