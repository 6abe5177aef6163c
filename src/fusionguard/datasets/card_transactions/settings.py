"""What the simulator follows, each number with its unit and its meaning; all of it is invented, nothing is taken from a bank."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True)
class Category:
    """What a kind of merchant sells.

    Parameters
    ----------
    name
        As the column ``category`` has it.
    merchants
        Its share of all merchants.
    visits
        How many times as often as others such a merchant is paid.
    median, spread
        Of an amount in euros: the median, and the standard deviation of its logarithm.
    online
        Whether its merchants have no place and sell over the internet alone.
    priced
        Whether amounts are price tags, which end in 0.00 or 0.99.
    refunded
        The share of purchases that is given back.
    """

    name: str
    merchants: float
    visits: float
    median: float
    spread: float
    online: bool = False
    priced: bool = False
    refunded: float = 0.0


CATEGORIES = (
    Category("groceries", 0.16, 3.0, 24.0, 0.80, refunded=0.002),
    Category("restaurants", 0.20, 1.2, 21.0, 0.65),
    Category("fuel", 0.06, 1.2, 48.0, 0.45),
    Category("transport", 0.06, 2.0, 4.5, 0.70),
    Category("kiosk", 0.08, 1.5, 3.2, 0.60),
    Category("clothing", 0.11, 0.6, 52.0, 0.75, priced=True, refunded=0.06),
    Category("electronics", 0.05, 0.5, 95.0, 1.05, priced=True, refunded=0.04),
    Category("health", 0.07, 0.6, 22.0, 0.80),
    Category("hotels", 0.04, 0.25, 120.0, 0.70, refunded=0.02),
    Category("marketplace", 0.08, 1.5, 34.0, 0.95, online=True, priced=True, refunded=0.07),
    Category("digital goods", 0.04, 1.5, 6.0, 0.80, online=True, priced=True, refunded=0.005),
    Category("travel", 0.03, 0.25, 160.0, 0.85, online=True, refunded=0.03),
    Category("donations", 0.02, 0.2, 8.0, 0.95, online=True),
)
"""The kinds of merchants; shares add up to 1."""


@dataclass(frozen=True)
class Population:
    """Who pays, and whom."""

    payments_per_day: float = 1.3
    """Mean payments of a customer a day, over all customers and the days of a year."""
    payments_shape: float = 2.0
    """Shape of the gamma distribution of the customers' own means; smaller is more unequal."""
    second_card: float = 0.25
    """Share of customers with two cards; the second makes ``second_card_use`` of their payments."""
    second_card_use: float = 0.2
    amount_spread: float = 0.35
    """Standard deviation of the logarithm of a customer's own level of amounts."""
    hours_spread: float = 1.6
    """Standard deviation, in hours, of how much earlier or later than others a customer pays."""
    online_shares: tuple[float, float, float] = (0.42, 0.30, 0.15)
    """Mean share of payments over the internet, by age group: under 30, 30 to 59, 60 and over."""
    age_groups: tuple[float, float, float] = (0.24, 0.50, 0.26)
    """Shares of the age groups."""
    customers_per_merchant: float = 4.0
    terminals: float = 1.6
    """Mean terminals of a merchant with a place: 1 and a Poisson number more."""
    customers_per_town: float = 250.0
    region_km: float = 120.0
    """Side of the square in which towns lie; customers and merchants lie some ``town_km`` around the middle of theirs."""
    town_km: float = 4.0
    far_towns: int = 4
    """So many towns more, ``far_km`` away, where nobody lives and people travel."""
    far_km: tuple[float, float] = (400.0, 2_500.0)
    old_terminals: float = 0.05
    """Share of terminals whose chip reader often fails: ``old_stripe`` of their payments are read from the magnetic stripe."""
    old_stripe: float = 0.35
    stripe: float = 0.008
    """The same share at other terminals."""


@dataclass(frozen=True)
class Habits:
    """How honest customers pay."""

    favourites: int = 10
    """How many merchants with a place a customer prefers, and half as many on the internet."""
    favourite_use: float = 0.74
    """Share of payments at preferred merchants."""
    elsewhere: float = 0.07
    """Share of payments with a place that are made in another town than one's own."""
    trip: float = 0.025
    """Chance that a customer is away for a week, and pays in the town of the journey."""
    spree: float = 0.03
    """Chance that a customer goes shopping in a week: ``spree_payments`` in ``spree_hours``, at any merchants of a town."""
    spree_payments: tuple[int, int] = (3, 8)
    spree_hours: float = 3.0
    contactless: float = 0.85
    """Share of payments up to ``contactless_most`` euros that are contactless."""
    contactless_most: float = 50.0
    refund_days: tuple[float, float] = (6.0, 0.7)
    """Median in days, and standard deviation of the logarithm, until a purchase is given back."""


@dataclass(frozen=True)
class Seasons:
    """How much more or less is paid on a day; 1 is an ordinary one."""

    week: tuple[float, ...] = (0.92, 0.92, 0.96, 1.0, 1.18, 1.22, 0.80)
    """By weekday, from Monday."""
    month: tuple[float, ...] = (0.92, 0.94, 0.99, 1.0, 1.02, 1.02, 1.05, 1.02, 0.98, 0.99, 1.04, 1.22)
    """By month, from January."""
    after_payday: float = 1.15
    """From the 26th of a month to the 2nd of the next."""
    before_payday: float = 0.92
    """From the 18th to the 25th."""
    holidays: tuple[tuple[int, int, float], ...] = (
        *((1, 1, 0.45), (5, 1, 0.6), (10, 3, 0.65), (12, 24, 0.9), (12, 25, 0.3), (12, 26, 0.45), (12, 31, 1.1)),
    )
    """Month, day and factor of holidays that keep their date."""
    easter: float = 0.55
    """Good Friday, Easter Sunday and Easter Monday."""
    black_friday: float = 1.6
    """The day after the fourth Thursday of November."""
    christmas_amounts: float = 1.15
    """Amounts from the 1st to the 24th of December are so many times as large."""


@dataclass(frozen=True)
class Reporting:
    """When a fraud becomes known, and whether at all.

    Parameters
    ----------
    median_days, spread
        Until a payment is reported: the median, and the standard deviation of the logarithm.
    unreported
        The share of payments that nobody ever reports.
    together
        Whether all payments of a case are reported on one day, as when the holder finds out, or each for itself.
    """

    median_days: float
    spread: float
    unreported: float
    together: bool


@dataclass(frozen=True)
class StolenCard:
    """A card is stolen and used near by within hours: contactless below the limit, or by the stripe, for what can be sold."""

    cases: float = 20.0
    """A month for 1,000 customers."""
    payments: tuple[int, int] = (2, 9)
    """From, and up to."""
    hours: float = 4.0
    """Mean from the theft to the last payment."""
    stripe: float = 0.35
    """Share of payments that are read from the stripe."""
    amounts: float = 1.6
    """Amounts are so many times as large as is usual there."""
    reporting: Reporting = Reporting(0.8, 0.8, 0.04, together=True)


@dataclass(frozen=True)
class CompromisedTerminal:
    """A terminal is in the hands of people who book payments of copied cards there, of holders from anywhere, for weeks."""

    cases: float = 10.0
    """A month for 1,000 terminals."""
    days: tuple[int, int] = (5, 21)
    payments_per_day: float = 2.5
    amounts: float = 1.2
    stripe: float = 0.45
    reporting: Reporting = Reporting(5.0, 0.6, 0.15, together=False)


@dataclass(frozen=True)
class AccountTakeover:
    """Somebody has a customer's passwords and pays over the internet for days, at merchants that the customer does not know."""

    cases: float = 10.0
    """A month for 1,000 customers."""
    payments: tuple[int, int] = (3, 11)
    days: float = 3.0
    """Mean length."""
    night: float = 0.4
    """Share of payments between 0 and 6 o'clock."""
    amounts: float = 2.2
    reporting: Reporting = Reporting(4.0, 0.6, 0.08, together=True)


@dataclass(frozen=True)
class CardTesting:
    """Numbers of many cards are tried at one merchant with tiny amounts within an hour; some that work are used days later."""

    cases: float = 1.6
    """A month for 1,000 customers."""
    payments: tuple[int, int] = (12, 45)
    minutes: float = 60.0
    """Length of one attack."""
    euros: tuple[float, float] = (0.5, 3.0)
    """Range of the tiny amounts."""
    used: float = 0.12
    """Share of tried cards that are used, once or twice, ``used_days`` later at most."""
    used_days: float = 5.0
    used_amounts: float = 2.5
    reporting: Reporting = Reporting(6.0, 0.6, 0.35, together=False)


@dataclass(frozen=True)
class RefundAbuse:
    """Staff of a merchant give money back to cards of their own for purchases that never were: negative amounts."""

    cases: float = 3.0
    """A month for 1,000 customers."""
    refunds: tuple[int, int] = (4, 16)
    days: float = 18.0
    """Mean length."""
    cards: int = 3
    """How many cards get the money, at most."""
    euros: tuple[float, float] = (70.0, 0.6)
    """Median, and standard deviation of the logarithm, of what is given back."""
    reporting: Reporting = Reporting(5.0, 0.5, 0.25, together=True)


@dataclass(frozen=True)
class Frauds:
    """The kinds of fraud, each under the name that the file of truth has."""

    stolen_card: StolenCard = field(default_factory=StolenCard)
    compromised_terminal: CompromisedTerminal = field(default_factory=CompromisedTerminal)
    account_takeover: AccountTakeover = field(default_factory=AccountTakeover)
    card_testing: CardTesting = field(default_factory=CardTesting)
    refund_abuse: RefundAbuse = field(default_factory=RefundAbuse)


KINDS = ("stolen_card", "compromised_terminal", "account_takeover", "card_testing", "refund_abuse")
"""The kinds of fraud; a kind's number is its place here."""


@dataclass(frozen=True)
class Settings:
    """All that the simulator follows."""

    start: date = date(2024, 2, 5)
    """The first day, a Monday. Times are UTC."""
    days: int = 120
    """About so long are the rows that are asked for: their number decides how many customers there are."""
    settled_days: int = 30
    """A table shows what was reported up to so many days after its last payment."""
    population: Population = field(default_factory=Population)
    habits: Habits = field(default_factory=Habits)
    seasons: Seasons = field(default_factory=Seasons)
    frauds: Frauds = field(default_factory=Frauds)
