"""How an artifact is stored: one type a file, in its native format, never pickle.

Importing this package registers them with ZenML, but for those of LightGBM and CatBoost, which the churn steps import, and makes
ZenML refuse any type that has none.
"""

from materializers.boosters import BoosterMaterializer
from materializers.bundles import BundleMaterializer
from materializers.figures import FiguresMaterializer
from materializers.onnx_models import OnnxMaterializer
from materializers.refusal import RefusingMaterializer
from materializers.reports import ReportMaterializer
from materializers.tables import TableMaterializer

__all__ = [
    "BoosterMaterializer",
    "BundleMaterializer",
    "FiguresMaterializer",
    "OnnxMaterializer",
    "RefusingMaterializer",
    "ReportMaterializer",
    "TableMaterializer",
]
