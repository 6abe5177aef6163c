"""How an artifact is stored: one type a file, in its native format, never pickle.

Importing this package registers them with ZenML and makes ZenML refuse any type that has none. Those of XGBoost, LightGBM and
CatBoost are imported by the steps that make such models: the libraries take seconds, and most steps need none of them.
"""

from materializers.bundles import BundleMaterializer
from materializers.figures import FiguresMaterializer
from materializers.onnx_models import OnnxMaterializer
from materializers.pages import PagesMaterializer
from materializers.refusal import RefusingMaterializer
from materializers.reports import ReportMaterializer
from materializers.tables import TableMaterializer

__all__ = [
    "BundleMaterializer",
    "FiguresMaterializer",
    "OnnxMaterializer",
    "PagesMaterializer",
    "RefusingMaterializer",
    "ReportMaterializer",
    "TableMaterializer",
]
