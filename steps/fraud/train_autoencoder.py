"""The fraud model's autoencoder."""

from __future__ import annotations

from typing import Annotated

import onnx
from zenml import step

from fusionguard.data.table import Table
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.config import AutoencoderConfig
from fusionguard.features.store import FeatureManifest


@step
def train_autoencoder(
    features: Table, manifest: FeatureManifest, split: SplitPlan, config: AutoencoderConfig, seed: int
) -> Annotated[onnx.ModelProto, "{pipeline}_autoencoder"]:
    """Fit on the legitimate rows of the train slice; the validation slice chooses the bottleneck's size.

    A data set with too few numbers to rebuild gets an empty graph.
    """
    from fusionguard.families.fraud.autoencoder import train_autoencoder as train  # PyTorch takes seconds to import

    weight, definition = manifest.negative_weight, manifest.definition
    return train(features, split, config, negative_weight=weight, seed=seed, definition=definition) or onnx.ModelProto()
