"""What is told to people of the bank's customers: reasons to leave, facts that divide them, texts of card and insights."""

from __future__ import annotations

from collections.abc import Callable

from fusionguard.features.told import CrossedFacts, Fact, Texts, Told

_REASONS: dict[str, Callable[[float], str]] = {
    "Age": lambda value: f"age {int(value)}",
    "NumOfProducts": lambda value: f"has {int(value)} product{'s' if int(value) != 1 else ''}",
    "IsActiveMember": lambda value: "active member" if int(value) else "not an active member",
    "HasCrCard": lambda value: "has a credit card" if int(value) else "no credit card",
    "Balance": lambda value: f"balance {value:,.0f}" if value > 0 else "no balance",
    "Tenure": lambda value: f"customer for {int(value)} year{'s' if int(value) != 1 else ''}",
    "CreditScore": lambda value: f"credit score {int(value)}",
    "EstimatedSalary": lambda value: f"estimated salary {value:,.0f}",
}


def _describe(column: str, value: float | str) -> str:
    return f"lives in {value}" if isinstance(value, str) else _REASONS[column](value)


def _steps(column: str, *edges: int) -> str:
    """Return SQL that numbers the steps between ``edges``: 0 below the first, len(edges) from the last on."""
    return f"CASE {' '.join(f'WHEN {column} < {edge} THEN {number}' for number, edge in enumerate(edges))} ELSE {len(edges)} END"


def told_of_customers(age_bands: tuple[str, ...]) -> Told:
    """Return what is told of the bank's customers, whose bands of age have these names."""
    activity = Fact("activity", "IsActiveMember", ("inactive", "active"))
    age = Fact("age", "age_band", age_bands)
    country = Fact("country", "Geography")
    has_balance = Fact("balance", "has_balance", ("no balance", "with a balance"))
    products = Fact("number of products", "NumOfProducts - 1", ("1 product", "2 products", "3 products", "4 products"))
    return Told(
        describe=_describe,
        texts=_TEXTS,
        # Derived features speak for the column they are made of.
        speaks_for={"has_balance": "Balance", "balance_to_salary": "Balance", "tenure_to_age": "Tenure"},
        untold=frozenset({"Gender"}),  # nobody can act on it, and a list that names it invites unequal treatment
        facts=(
            products,
            activity,
            age,
            country,
            Fact("gender", "Gender"),
            Fact(
                "balance",
                f"CASE WHEN has_balance = 0 THEN 0 ELSE 1 + {_steps('Balance', 100_000, 150_000)} END",
                ("no balance", "up to 100,000", "100,000 to 150,000", "150,000 and more"),
            ),
            Fact("years with the bank", _steps("Tenure", 2, 5, 8), ("0 or 1", "2 to 4", "5 to 7", "8 and more")),
            Fact("credit card", "HasCrCard", ("none", "has one")),
            Fact("credit score", _steps("CreditScore", 500, 600, 700), ("under 500", "500 to 599", "600 to 699", "700 and more")),
            Fact(
                "estimated salary",
                _steps("EstimatedSalary", 50_000, 100_000, 150_000),
                ("under 50,000", "50,000 to 100,000", "100,000 to 150,000", "150,000 and more"),
            ),
        ),
        crossings=(
            CrossedFacts(age, activity),
            CrossedFacts(products, activity),
            CrossedFacts(country, has_balance, (1, 0)),
        ),
        rules={
            "number of products": ("NumOfProducts",),
            "age band and activity": ("age_band", "IsActiveMember"),
            "age band, activity, products and country": ("age_band", "IsActiveMember", "NumOfProducts", "Geography"),
        },
    )


_TEXTS = Texts(
    title="bank-customer churn",
    of_whom=" of a bank",
    leaves="leaves the bank",
    rows=(
        "Each row is one customer: credit score, country, gender, age, years with the bank, balance, number of products, whether"
        " there is a credit card, whether the customer is active, and an estimated salary, with a label that says whether the"
        " customer left. Surname and customer number are dropped before anything is computed."
    ),
    sensitive="it reads age, gender and country, and its limits of fairness were set for offers alone",
    local_file="a local file in Kaggle's layout",
    defaults=(
        "The defaults. LightGBM's are few small trees, since what searches in nested folds find ties with them. CatBoost's were"
        " found by a search on the development part (seed 7) of 8,000 of the 10,000 rows of Kaggle's public file: on the whole"
        " file, or with another seed or share of test rows, the test slice holds customers whom the search has seen, and leans to"
        " the good side."
    ),
    one_file=(
        "**One file.** The customers are those of one bank's file in three countries; who was chosen for it, when, and what"
        " counts as leaving is not recorded. Another bank must train on its own."
    ),
    no_causes=(
        "**No causes.** The model finds who leaves, not why. Its reasons are what raised a probability, not levers: making"
        " customers active or selling them a second product need not keep anybody."
    ),
    hindsight=(
        "**Customers of today.** An active member or a holder of a product is one on the day the file was made. If that was after"
        " the customer left, the model knows too much; the file does not say."
    ),
    published=(
        "Honest results published for Kaggle's public file of 10,000 bank customers lie at 0.84 to 0.87 ROC AUC. Higher ones"
        " usually come from resampling (SMOTE, oversampling) before the split, which puts copies or neighbours of test customers"
        " into training: not honest, and not comparable."
    ),
    untold=(
        "Gender is never told as a reason: nobody can act on it, and it would invite unequal treatment. What it weighs is shown"
        " here."
    ),
    fairness=(
        "**Gender** is an input, because probabilities without it are too low for one gender and too high for the other as far as"
        " they leave at different rates. Whether customers may be treated differently by gender at all is a question of law:"
        " ask counsel before using the model on real people.",
    ),
    expected={"age_band": ("Age", "aged")},
    not_causes=(
        "**Not causes.** Who leaves is not why. That customers with one number of products stay more often does not say that"
        " selling a product keeps anybody; that inactive ones leave does not say that a phone call makes them active. Customers"
        " who mean to leave may stop being active first."
    ),
    not_treatment=(
        "**Not a reason to treat people differently.** Age, gender and country are shown because they tell leavers apart and so"
        " that unequal treatment can be seen. The model card reads fairness, and `docs/responsible_ai.md` says who decides."
    ),
)
