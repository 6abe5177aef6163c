"""The settings of the churn pipeline."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from fusionguard.config import DataConfig, EvaluationConfig, FrozenConfig, HoldoutConfig, TrainingConfig
from fusionguard.families.churn.fairness_config import FairnessConfig


class ChurnDataConfig(DataConfig):
    """What is read and how features are made."""

    rows: int = Field(default=10_000, ge=1_000)
    """Rows to simulate; other sources are read whole."""


class LightGBMConfig(FrozenConfig):
    """Leaf-wise boosted trees; names are LightGBM's own. The defaults are few small trees: what searches find ties with them."""

    rounds: int = Field(default=150, ge=1)
    learning_rate: float = Field(default=0.05, gt=0, le=1)
    num_leaves: int = Field(default=8, ge=2)
    min_child_samples: int = Field(default=20, ge=1)
    subsample: float = Field(default=1.0, gt=0, le=1)
    colsample_bytree: float = Field(default=0.5, gt=0, le=1)
    reg_lambda: float = Field(default=0.0, ge=0)
    min_split_gain: float = Field(default=0.0, ge=0)
    path_smooth: float = Field(default=0.0, ge=0)


class CatBoostConfig(FrozenConfig):
    """Symmetric boosted trees; names are CatBoost's own, but for ``rounds`` (its ``iterations``).

    Where a setting may be null, that leaves it to CatBoost. Its rate then follows from rows and rounds, if ``l2_leaf_reg`` is
    null, too; and it draws rows by minimal variance, not by a Bayesian bootstrap of some temperature.
    """

    rounds: int = Field(default=262, ge=1)
    learning_rate: float | None = Field(default=0.0325, gt=0, le=1)
    depth: int = Field(default=4, ge=1, le=10)
    l2_leaf_reg: float | None = Field(default=1.0, ge=0)
    rsm: float = Field(default=0.41, gt=0, le=1)
    random_strength: float = Field(default=0.43, ge=0)
    bagging_temperature: float | None = Field(default=1.57, ge=0)
    border_count: int = Field(default=64, ge=1, le=254)
    one_hot_max_size: int | None = Field(default=10, ge=1, le=255)
    """Categories of so few values have a split for each; of more, target statistics are read."""


class RetentionConfig(FrozenConfig):
    """What keeping a customer is worth and what trying costs, in the currency of ``Balance``."""

    base_value: float = Field(default=100.0, ge=0)
    """Value of a customer who stays, whatever the balance."""
    balance_margin: float = Field(default=0.0013, ge=0)
    """Value of a customer who stays, for each unit of balance."""
    offer_cost: float = Field(default=10.0, gt=0)
    """Cost of an offer that is taken: by each customer who would have stayed anyway, and by those it keeps."""
    contact_cost: float = Field(default=1.0, ge=0)
    """Cost of contacting a customer."""
    acceptance_alpha: float = Field(default=6.0, gt=1)
    acceptance_beta: float = Field(default=14.0, gt=1)
    """The chance that a leaving customer takes the offer and stays is Beta(alpha, beta): 0.3 on average."""
    contacts: int | None = Field(default=None, ge=1)
    """How many of every 1,000 customers can be contacted; null for no limit."""


class ChurnConfig(TrainingConfig):
    """Every setting of the churn pipeline."""

    PURPOSE: ClassVar[str] = "bank-customer churn, from raw customers to a gated model and a contact list"
    FEW_ROWS: ClassVar[int] = 2_000

    data: ChurnDataConfig = ChurnDataConfig()
    refit: bool = True
    """Whether the model that is delivered is fitted on all rows, the test slice among them, after that has been read."""
    holdout: HoldoutConfig = HoldoutConfig()
    lightgbm: LightGBMConfig = LightGBMConfig()
    catboost: CatBoostConfig = CatBoostConfig()
    retention: RetentionConfig = RetentionConfig()
    fairness: FairnessConfig = FairnessConfig()
    evaluation: EvaluationConfig = EvaluationConfig()


CHURN_SETTINGS_IN_BUNDLE: dict[str, Any] = dict.fromkeys(("holdout", "lightgbm", "catboost", "retention", "fairness"), True)
"""See ``ModelFamily.settings_in_bundle``."""
