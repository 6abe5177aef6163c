"""What to say of too many or too few ones: most likely the zeros were sampled, and nobody declared it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fusionguard.data.contract_suites import Suite
from fusionguard.data.provenance import Provenance

DECLARATION = ".source.yaml"
"""What a declaration's name adds to that of its file."""
_KEY = "negative_sampling_rate"


@dataclass(frozen=True)
class UsualShare:
    """The share of ones that whole data of one layout have, and the highest that passes without a word about sampling."""

    usual: float
    most_undeclared: float
    positives: str
    negatives: str
    """What rows are called: ``positive cases``, ``others``."""
    said: str
    """How the usual share is said: ``of all rows are positive``."""


def demand_declaration(suite: Suite, provenance: Provenance, shares: UsualShare | None) -> Suite:
    """Return the contract with the bounds of the class balance, and what to do outside, that the declaration asks for.

    Metrics and probabilities are wrong by a factor where rows were left out in silence, and nothing later can see it: so a
    share above the highest that passes undeclared stops a run until ``negative_sampling_rate`` is declared, be it as 1.
    """
    if shares is None:
        return suite
    low, high = suite.label_share
    if not provenance.sampling_declared:
        high = shares.most_undeclared

    def remedy(ones: int, zeros: int) -> str:
        if not ones or not zeros:
            return ""  # no rate would help
        return _remedy(ones, zeros, shares, suite.label_share, provenance)

    return replace(suite, label_share=(low, high), balance_remedy=remedy)


def _remedy(ones: int, zeros: int, shares: UsualShare, bounds: tuple[float, float], provenance: Provenance) -> str:
    share, usual = ones / (ones + zeros), shares.usual
    rate = min(1.0, usual / (1 - usual) * zeros / ones)
    line = f"{_KEY}: {np.format_float_positional(rate, precision=3, fractional=False, trim='-')}"
    beside = f"{provenance.file or 'FILE'}{DECLARATION} beside the file"
    if provenance.sampling_declared:
        declared = np.format_float_positional(provenance.negative_sampling_rate, trim="-")
        return (
            f"The declaration says `{_KEY}: {declared}`, which does not fit a file with {ones:,} {shares.positives} in"
            f" {ones + zeros:,} rows: correct it. For a real share of {100 * usual:.3g} % the line in {beside} is `{line}`."
        )
    if share < bounds[0]:
        return ""  # too few: nothing was left out that a rate could make up for
    nothing = f" Where nothing was left out, declare `{_KEY}: 1`." if share <= bounds[1] else ""
    return (
        f"No sampling is declared, and so many {shares.positives} mean that {shares.negatives} were left out. Write which share"
        f" of them was kept to {beside}, as `{line}`: right if {100 * usual:.3g} % {shares.said}, as in Kaggle's file."
        f"{nothing} Every metric and probability is then corrected by it (docs/data_sources.md, Sampled files)."
    )
