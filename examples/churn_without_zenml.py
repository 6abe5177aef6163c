"""A churn model from raw rows to a contact list with FusionGuard's functions alone: no ZenML, no MLflow.

    python examples/churn_without_zenml.py FOLDER data.source=simulated data.rows=10000

The settings are those of ``run.py --pipeline churn``; the same ones give the same model and the same numbers.
"""

import sys
from pathlib import Path

from fusionguard import api as fg

folder = Path(sys.argv[1])
config = fg.load_config(fg.ChurnConfig, assignments=sys.argv[2:])
seed = config.seed

# Read raw rows, check them, and make features of them.
learned = 1 - config.holdout.test  # the share of the rows from which ranges and known values are read
raw, dataset = fg.read_dataset(
    "bank_churn", config.data.source, folder / "raw", rows=config.data.rows, seed=seed, earliest=learned
)
fg.check_raw(raw.table, raw.provenance, dataset).raise_if_broken()
built = fg.build_features(raw.table, raw.provenance, config.data.engine, folder / "features", dataset)
fg.check_features(built.table, built.manifest).raise_if_broken()
features, definition = built.table, built.manifest.definition

# Hold a test slice out, choose a model on folds of the rest, and train on that.
customers, label = fg.read_customers(features, definition)
rows = fg.planned_rows(features, definition)
holdout = fg.plan_holdout(rows, built.manifest.features_sha256, config.holdout, seed=seed)
development, _ = holdout.places(rows)
scored = fg.score_out_of_fold(features, definition, holdout, config.lightgbm, config.catboost, seed=seed)
choice = fg.choose_model(scored, holdout)
lightgbm = fg.train_lightgbm(customers.take(development), label[development], config.lightgbm, seed=seed)
catboost = fg.train_catboost(customers.take(development), label[development], config.catboost, seed=seed)
bundle = fg.build_churn_bundle(
    folder / "bundle",
    features,
    definition,
    holdout,
    lightgbm,
    catboost,
    scored,
    choice,
    provenance=raw.provenance,
    config=config,
    described=dataset,
)

# Judge it on the test slice; then fit what is delivered on every customer.
evaluation = fg.evaluate_churn_model(bundle, features, holdout, scored, choice, config)
delivered = fg.refit_churn_bundle(folder / "delivered", bundle, features, config) if config.refit else bundle
print(f"average precision {evaluation.value('average_precision')!r} with model {delivered.version}")

# Score a DataFrame of raw rows: the answer has its index, so that it joins back.
today = raw.table.read().to_pandas().drop(columns="Exited").tail(1_000)
joined = today.join(fg.score(fg.load_model(delivered.folder), today))
print(joined.sort_values("expected_profit").tail()[["Age", "Balance", "probability", "decision", "reasons"]])
