"""The peer: card-fraud detection as a plain script, the way it is commonly written.

The same work by usual means: Spark turns the CSV file into features stored as JSON, pandas reads them, XGBoost and a PyTorch
autoencoder are trained on a random split, SHAP explains some rows. It does less than the pipeline: no contracts, calibration,
decision policy, references, intervals, gate, registry, model card or lineage. It uses nothing of FusionGuard.

    python -m benchmarks.plain_script creditcard.csv OUTPUT_FOLDER
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
import shap
import torch
import xgboost as xgb
from pyspark.sql import SparkSession
from pyspark.sql import functions as sql
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SEED = 7
BATCH_ROWS = 256


def main() -> None:
    """Run the script from the CSV file to the explanation."""
    parser = argparse.ArgumentParser(description="Fraud detection as a plain script.")
    parser.add_argument("csv", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--trees", type=int, default=600)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--explained-rows", type=int, default=2000)
    options = parser.parse_args()

    make_features(options.csv, options.output / "features")
    table = read_features(options.output / "features")
    train, test = train_test_split(table, test_size=0.2, stratify=table["Class"], random_state=SEED)
    columns = [name for name in table.columns if name != "Class"]
    model = train_trees(train[columns], train["Class"], options.trees)
    errors = train_autoencoder(train, test, columns, options.epochs)
    probability = model.predict_proba(test[columns])[:, 1]
    values = shap.TreeExplainer(model).shap_values(test[columns].head(options.explained_rows))

    model.save_model(options.output / "model.json")
    metrics = {
        "average_precision": float(average_precision_score(test["Class"], probability)),
        "roc_auc": float(roc_auc_score(test["Class"], probability)),
        "autoencoder_roc_auc": float(roc_auc_score(test["Class"], errors)),
        "importance": dict(zip(columns, np.abs(values).mean(axis=0).tolist(), strict=True)),
    }
    (options.output / "metrics.json").write_text(json.dumps(metrics, indent=2), encoding="utf-8")


def make_features(csv: Path, destination: Path) -> None:
    """Spark: drop duplicates, derive columns, write JSON."""
    spark = SparkSession.builder.appName("plain script").master("local[*]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        rows = spark.read.csv(str(csv), header=True, inferSchema=True).dropDuplicates()
        features = (
            rows.withColumn("hour_of_day", sql.floor((sql.col("Time") % 86400) / 3600))
            .withColumn("amount_fraction_cents", sql.floor(sql.col("Amount") * 100 + 0.5) % 100)
            .drop("Time")
        )
        features.write.mode("overwrite").json(str(destination))
    finally:
        spark.stop()


def read_features(folder: Path) -> pd.DataFrame:
    """Pandas: all JSON files as one frame."""
    return pd.concat([pd.read_json(file, lines=True) for file in sorted(folder.glob("*.json"))], ignore_index=True)


def train_trees(x: pd.DataFrame, y: pd.Series, trees: int) -> xgb.XGBClassifier:
    """XGBoost: a fixed number of trees, the rare class weighted."""
    weight = float((y == 0).sum() / (y == 1).sum())
    model = xgb.XGBClassifier(
        n_estimators=trees, max_depth=6, learning_rate=0.1, tree_method="hist", scale_pos_weight=weight, random_state=SEED
    )
    return model.fit(x, y)


def train_autoencoder(train: pd.DataFrame, test: pd.DataFrame, columns: list[str], epochs: int) -> np.ndarray:
    """PyTorch: a fixed number of epochs over legitimate rows with a DataLoader; the test rows' reconstruction errors."""
    torch.manual_seed(SEED)
    scaler = StandardScaler().fit(train.loc[train["Class"] == 0, columns])
    legitimate = torch.tensor(scaler.transform(train.loc[train["Class"] == 0, columns]), dtype=torch.float32)
    width = len(columns)
    network = nn.Sequential(
        nn.Linear(width, 20), nn.ReLU(), nn.Linear(20, 10), nn.ReLU(), nn.Linear(10, 20), nn.ReLU(), nn.Linear(20, width)
    )
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    loss = nn.MSELoss()
    loader = DataLoader(TensorDataset(legitimate), batch_size=BATCH_ROWS, shuffle=True)
    for _ in range(epochs):
        for (batch,) in loader:
            optimiser.zero_grad()
            loss(network(batch), batch).backward()
            optimiser.step()
    rows = torch.tensor(scaler.transform(test[columns]), dtype=torch.float32)
    with torch.no_grad():
        return ((network(rows) - rows) ** 2).mean(dim=1).numpy()


if __name__ == "__main__":
    main()
