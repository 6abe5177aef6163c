"""A fraud model from raw rows to scores with FusionGuard's functions alone, as a notebook has them: no ZenML, no MLflow.

    python examples/fraud_without_zenml.py FOLDER data.source=simulated data.rows=30000

The settings are those of ``run.py --pipeline fraud``; the same ones give the same model and the same numbers.
"""

import sys
from pathlib import Path

from fusionguard import api as fg

folder = Path(sys.argv[1])
config = fg.load_config(fg.FraudConfig, assignments=sys.argv[2:])
seed = config.seed

# Read raw rows, check them, and make features of them.
learned = config.split.train  # the share of the rows from which ranges and known values are read
raw, dataset = fg.read_dataset(
    "creditcard", config.data.source, folder / "raw", rows=config.data.rows, seed=seed, earliest=learned
)
fg.check_raw(raw.table, raw.provenance, dataset).raise_if_broken()
built = fg.build_features(raw.table, raw.provenance, config.data.engine, folder / "features", dataset)
fg.check_features(built.table, built.manifest).raise_if_broken()
features, weight = built.table, built.manifest.negative_weight

# Split by time, train, and write the bundle: the model as a folder, calibrated and with its decision policy.
split = fg.plan_split(fg.planned_rows(features, built.manifest.definition), config.split)
booster = fg.train_booster(features, split, config.xgboost, negative_weight=weight, seed=seed)
autoencoder = fg.train_autoencoder(features, split, config.autoencoder, negative_weight=weight, seed=seed)
bundle = fg.build_fraud_bundle(
    folder / "bundle",
    features,
    split,
    booster,
    autoencoder,
    provenance=raw.provenance,
    features_sha256=built.manifest.features_sha256,
    config=config,
    described=dataset,
)

# Judge it on the test slice, which nothing was fitted on; then fit what is delivered on every row, if the settings say so.
references = fg.score_references(features, split, negative_weight=weight, seed=seed)
evaluation = fg.evaluate_fraud_model(bundle, features, split, references, config.evaluation, negative_weight=weight, seed=seed)
delivered = bundle
if config.refit:
    delivered = fg.refit_fraud_bundle(folder / "delivered", bundle, features, split, config, negative_weight=weight)
print(f"average precision {evaluation.value('average_precision')!r} with model {delivered.version}")

# Score a DataFrame of raw rows: the answer has its index, so that it joins back.
today = raw.table.read().to_pandas().drop(columns="Class").tail(1_000)
joined = today.join(fg.score(fg.load_model(delivered.folder), today))
print(joined.sort_values("score").tail()[["Time", "Amount", "probability", "decision", "reasons"]])
