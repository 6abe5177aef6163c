"""The settings of the fraud pipeline."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from fusionguard.config import DataConfig, EvaluationConfig, FrozenConfig, SplitConfig, TrainingConfig


class FraudDataConfig(DataConfig):
    """What is read and how features are made."""

    rows: int = Field(default=284_807, ge=5_000)
    """Rows to simulate; other sources are read whole. Fewer than 5,000 hold too few frauds for the four slices."""


class XGBoostConfig(FrozenConfig):
    """Gradient-boosted trees; names are XGBoost's own."""

    rounds: int = Field(default=300, ge=1)
    num_parallel_tree: int | None = Field(default=None, ge=1, le=1000)
    """Trees of each round, whose mean is the round's step: more make the model less a draw of its seed, and take longer.

    Null takes 8, and fewer the more rows times features there are, down to 1.
    """
    early_stopping_rounds: int | None = Field(default=None, ge=1)
    """Stop after so many rounds without a better average precision on validation; null keeps every round, because with few frauds
    there, when it is best is a matter of luck."""
    learning_rate: float = Field(default=0.06, gt=0, le=1)
    max_depth: int | None = Field(default=3, ge=1, le=16)
    """Null takes 3, and 2 where there are fewer than 100 frauds to learn from."""
    min_child_weight: float = Field(default=0.01, ge=0)
    """Small, because a rare class has small second derivatives: XGBoost's own 1.0 forbids leaves of nothing but fraud."""
    subsample: float = Field(default=0.7, gt=0, le=1)
    colsample_bytree: float = Field(default=0.3, gt=0, le=1)
    reg_lambda: float = Field(default=5.0, ge=0)
    max_bin: int | None = Field(default=256, ge=16)
    """Into how many bins a number is cut, between which trees split. Null takes 256, and up to 4,096 the rarer frauds are."""
    base_score: float | None = Field(default=None, gt=0, lt=1)
    """The probability that trees start from; null takes the share of frauds. From 0.5, every row weighs much at first, so that
    few frauds in the tails of a number are enough for a leaf of their own."""


class AutoencoderConfig(FrozenConfig):
    """A small symmetric network with a real bottleneck, trained on legitimate rows."""

    latent_sizes: tuple[Annotated[int, Field(ge=1)], ...] = Field(default=(2, 4, 8), min_length=1)
    """Candidates for the bottleneck; validation chooses."""
    hidden_size: int = Field(default=20, ge=2)
    epochs: int = Field(default=40, ge=1)
    patience_epochs: int = Field(default=2, ge=1)
    minimum_gain: float = Field(default=0.01, ge=0, lt=1)
    """An epoch counts as better where it lowers the validation loss by at least this share."""
    batch_rows: int = Field(default=1024, ge=16)
    learning_rate: float = Field(default=0.005, gt=0)


class PolicyConfig(FrozenConfig):
    """What a decision costs, in the currency of the amounts."""

    review_cost: float = Field(default=3.0, gt=0)
    """Cost of looking at one alert."""
    alerts_per_day: int | None = Field(default=None, ge=1)
    """How many alerts a day the analysts can look at; null for no limit. Rows without times have no days: then only null."""
    loss_without_amount: float = Field(default=100.0, gt=0)
    """What a fraud costs where no amount says it: in a data set that has none, and in rows whose amount is missing."""


class FraudFairnessConfig(FrozenConfig):
    """The largest gaps between groups of one protected attribute that the gate accepts; null where a gap is only reported."""

    alert_rate: float | None = Field(default=None, gt=0, le=1)
    """Gap of the shares of rows that become alerts."""
    recall: float | None = Field(default=None, gt=0, le=1)
    """Gap of the shares of frauds that become alerts."""
    false_positive_rate: float | None = Field(default=None, gt=0, le=1)
    """Gap of the shares of legitimate rows that become alerts."""
    calibration: float | None = Field(default=None, gt=0, le=1)
    """Largest distance, among the groups, of the mean probability from the observed share of fraud."""
    minimum_group_rows: int = Field(default=30, ge=1)
    """Groups whose rate is a share of fewer rows are shown but not compared."""

    @property
    def limits(self) -> dict[str, float | None]:
        """The limits by metric."""
        return {name: getattr(self, name) for name in ("alert_rate", "recall", "false_positive_rate", "calibration")}


class FraudEvaluationConfig(EvaluationConfig):
    """How the final reading is taken."""

    top_alerts_per_day: int = Field(default=100, ge=1)
    false_positive_rate: float = Field(default=0.001, gt=0, lt=1)
    shap_rows: int = Field(default=2000, ge=50)


class PrequentialConfig(FrozenConfig):
    """The folds in time of data sets that declare ``validation``."""

    run: bool = True
    """False leaves them out of a run."""
    num_parallel_tree: int = Field(default=1, ge=1, le=1000)
    """Trees of each round: a fold's models are read and thrown away, and need not have as many as the one that is delivered."""
    retraining_days: tuple[Annotated[int, Field(ge=1, le=3650)], ...] = (7, 28)
    """What is lost by models that are so many days older, which tells how often to train anew; none leaves that out."""


class FraudConfig(TrainingConfig):
    """Every setting of the fraud pipeline."""

    PURPOSE: ClassVar[str] = "card-fraud detection, from raw transactions to a gated model"

    data: FraudDataConfig = FraudDataConfig()
    refit: bool = False
    """Whether the trees that are delivered are fitted on all rows, the test slice among them, after that has been read."""
    split: SplitConfig = SplitConfig()
    xgboost: XGBoostConfig = XGBoostConfig()
    autoencoder: AutoencoderConfig = AutoencoderConfig()
    policy: PolicyConfig = PolicyConfig()
    fairness: FraudFairnessConfig = FraudFairnessConfig()
    evaluation: FraudEvaluationConfig = FraudEvaluationConfig()
    prequential: PrequentialConfig = PrequentialConfig()


FRAUD_SETTINGS_IN_BUNDLE: dict[str, Any] = {
    **dict.fromkeys(("split", "xgboost", "autoencoder", "policy", "fairness"), True),
    "evaluation": {"top_alerts_per_day", "false_positive_rate"},
}
"""See ``ModelFamily.settings_in_bundle``."""
