"""What a card says of folds in time: each fold's readings, their mean beside references, recall by amount, and older models."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from fusionguard.evaluation.bootstrap import Interval, PairedDifference
from fusionguard.evaluation.card.markdown import count, image, table
from fusionguard.evaluation.card.sections import paragraphs
from fusionguard.evaluation.prequential.plot import NAME
from fusionguard.evaluation.prequential.report import OWNER_PRECISION, AmountBand, PrequentialReport, ValidatedBy
from fusionguard.evaluation.readings import AVERAGE_PRECISION
from fusionguard.evaluation.scored import SECONDS_PER_DAY

_NONE = Interval()


def folds_in_time(report: PrequentialReport | None, *, about: str, dated: bool, image_folder: str | None = None) -> str:
    """Write the section; nothing where no folds were declared.

    Parameters
    ----------
    about
        What of the model was trained anew, in sentences of its family.
    dated
        Whether days have dates; else they are counted from a first one.
    image_folder
        Where the picture lies, relative to the card; without it there is none.
    """
    if report is None:
        return ""
    return paragraphs(
        f"{_simulated(report)}{_protocol(report)} {about}{_sampled(report)} {_shared(report)}",
        _folds(report, _dates if dated else _numbers),
        _means(report),
        image(NAME, "Readings of each fold", image_folder),
        _bands(report),
        _older(report),
    )


def _simulated(report: PrequentialReport) -> str:
    return "**Simulated rows.** " if report.simulated else ""


def _protocol(report: PrequentialReport) -> str:
    by, told = report.protocol.by, report.protocol
    learned = "all days" if told.learned_days is None else f"the {_days(told.learned_days)}"
    before = f"up to {_days(told.wait_days)} before, whose outcomes were known by then" if told.wait_days else "before"
    return (
        f"The model as it is used: for {_each_fold(report)} it was trained anew on {learned}"
        f" {before}, and judged on the {_days(told.judged_days)} after it was made. A {by} of whom a positive row was known"
        f" by then{_since(told)} is not judged any more. {by.capitalize()}"
        f" precision@{told.checked} is the share of positive ones among the {told.checked} {by}s with a day's highest scores,"
        " each once; one that was found is not looked at again. Recall is the share of positive rows whose"
        f" {by} was looked at on that day or found before; by amount, the share of their amount. Brackets hold the 95 %"
        f" interval of {count(report.bootstrap_samples)} draws of {by}s with all of their rows, not of rows. The references were"
        f" fitted and judged on the same rows."
    )


def _since(told: ValidatedBy) -> str:
    return "" if told.blocked_days is None else f", from {_days(told.blocked_days)} before the wait on,"


def _each_fold(report: PrequentialReport) -> str:
    return "the one fold" if len(report.folds) == 1 else f"each of {len(report.folds)} folds"


def _sampled(report: PrequentialReport) -> str:
    if not report.sampled:
        return ""
    return (
        " Negative rows were left out of the table: average precision counts them as often as they stand for, but fewer compete"
        f" for a place among the {report.protocol.checked}, so precision and recall among these are too high."
    )


def _shared(report: PrequentialReport) -> str:
    if not report.shared_days:
        return "No judged day is one of the test slice's, which is read once, in the results above."
    return (
        f"{count(report.shared_days)} of the judged days have rows of the test slice (`validation.until: end`): the folds decided"
        " nothing, but they are no reading of other rows than the results above."
    )


def _folds(report: PrequentialReport, day: Callable[[int, int], str]) -> str:
    names = list(report.metric_labels)
    header = ("fold", "judged days", "learned rows", "positive", "judged rows", "positive", *report.metric_labels.values())
    rows = []
    for number, fold in enumerate(report.folds, 1):
        told, read = fold.rows, fold.readings[report.own]
        counts = (told.learned_rows, told.learned_positives, told.judged_rows, told.judged_positives)
        days = day(told.made_day, told.last_day)
        rows.append((str(number), days, *map(count, counts), *(read.get(name, _NONE).text() for name in names)))
    return table(header, rows, left=(0, 1))


def _means(report: PrequentialReport) -> str:
    models = list(report.mean)
    rows = [
        (label, *(report.mean[model].get(name, _NONE).text() for model in models)) for name, label in report.metric_labels.items()
    ]
    label = report.metric_labels[OWNER_PRECISION]
    gains = (
        f"- Against {name}: {_changes(report, change)}." for name, change in report.gains.items() if AVERAGE_PRECISION in change
    )
    return paragraphs(
        table(("mean of the folds", *models), rows),
        f"A perfect ranking would have {report.perfect:.3f} {label}: there are not always so many to find."
        if report.perfect < 1
        else "",
        "\n".join(gains),
    )


def _bands(report: PrequentialReport) -> str:
    if not report.bands:
        return ""
    models = list(report.mean)
    rows = [(_band(band), count(band.positives), *(band.recall[model].text() for model in models)) for band in report.bands]
    return table(("positive rows by amount", "rows", *(f"recall, {model}" for model in models)), rows)


def _older(report: PrequentialReport) -> str:
    lacking = " or ".join(_days(days) for days in report.too_old_days)
    lacking = f"There are too few days for models that are made {lacking} earlier." if lacking else ""
    if not report.older:
        return lacking
    rows, labels = [], [report.metric_labels[name] for name in (AVERAGE_PRECISION, OWNER_PRECISION)]
    for each in report.older:
        read = (each.older[name].text() for name in (AVERAGE_PRECISION, OWNER_PRECISION))
        change = (_change(each.change[name]) for name in (AVERAGE_PRECISION, OWNER_PRECISION))
        rows.append((_days(each.days), str(each.folds), *read, *change))
    return paragraphs(
        "**How often to train anew.** The same judged rows, asked of models that were made that much earlier, of what was known"
        " then: the oldest that one is who trains once in that time. A difference below 0 is lost by the age; its interval draws"
        " the same owners for both.",
        table(("made earlier by", "folds", *labels, *(f"difference, {label}" for label in labels)), rows),
        lacking,
    )


def _changes(report: PrequentialReport, change: dict[str, PairedDifference]) -> str:
    return ", ".join(f"{label} {_change(change[name])}" for name, label in report.metric_labels.items() if name in change)


def _change(change: PairedDifference) -> str:
    return f"{change.value:+.3f} ({change.low:+.3f} to {change.high:+.3f})"


def _band(band: AmountBand) -> str:
    if band.low is None:
        return f"below {band.high:,.2f}"
    return f"{band.low:,.2f} and more" if band.high is None else f"{band.low:,.2f} to {band.high:,.2f}"


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"


def _dates(first: int, last: int) -> str:
    begin, end = (datetime.fromtimestamp(day * SECONDS_PER_DAY, UTC) for day in (first, last))
    return f"{begin:%Y-%m-%d} to {end:%m-%d}"


def _numbers(first: int, last: int) -> str:
    return f"day {first + 1} to {last + 1}"
