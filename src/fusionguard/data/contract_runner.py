"""Reads a contract on a table with Great Expectations, a batch of rows at a time, so that memory does not grow with the table."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fusionguard.data.contract_report import Check, ContractReport, Severity
from fusionguard.data.contract_suites import CellRule, Suite
from fusionguard.data.table import CARRIED, Table
from fusionguard.verbose import is_verbose

_BATCH_ROWS = 500_000
_EXAMPLES = 5
_STEP = "step from the row before"


def run_suite(table: Table, suite: Suite, *, dataset: str, stage: str, negative_weight: float) -> ContractReport:
    """Return what ``suite`` finds in ``table``: its columns and types first; if these hold, its cells and then the whole.

    Parameters
    ----------
    negative_weight
        How many real rows one row with label 0 stands for; the share of ones is judged after weighting.
    """
    judge = _Judge()
    checks = _check_columns(judge, table, suite)
    if all(check.success for check in checks):
        tally = _Tally(suite)
        for start in range(0, table.rows, _BATCH_ROWS):
            frame = table.read(start=start, stop=start + _BATCH_ROWS).to_pandas(split_blocks=True)
            frame.index = pd.RangeIndex(start, start + len(frame))
            tally.add(judge, frame)
        checks += [*tally.cell_checks(), *_check_whole(judge, table.rows, suite, tally, negative_weight)]
    success = all(check.success or check.severity == "warning" for check in checks)
    return ContractReport(dataset=dataset, stage=stage, success=success, rows=table.rows, checks=checks)


@dataclass(frozen=True)
class _Broken:
    """How one rule is broken in one frame: the number of rows, the first row numbers and some of the values."""

    rows: int
    examples: list[int]
    values: list[Any]


class _Judge:
    """Great Expectations without a project, a network or a progress bar."""

    def __init__(self) -> None:
        os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read when the library is imported
        with warnings.catch_warnings():  # 2026-11: great_expectations 1.24 imports sre_constants, deprecated since Python 3.11
            warnings.simplefilter("ignore", DeprecationWarning)
            import great_expectations as gx
            from great_expectations.data_context.types.base import ProgressBarsConfig

        logging.getLogger("great_expectations").setLevel(logging.INFO if is_verbose() else logging.WARNING)
        self._gx = gx
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        asset = context.data_sources.add_pandas("table").add_dataframe_asset("rows")
        self._batches = asset.add_batch_definition_whole_dataframe("all")

    def broken(self, frame: pd.DataFrame, rules: Sequence[CellRule], *, most: int = _EXAMPLES) -> dict[int, _Broken]:
        """Return how the rules that ``frame`` breaks are broken, by their position in ``rules``, with ``most`` rows at most.

        A verdict alone takes a third of the time that row numbers take, so only rules found broken are read again for these.
        """
        batch = self._batches.get_batch({"dataframe": frame})
        verdicts = self._results(batch, rules, list(range(len(rules))), "BOOLEAN_ONLY", most)
        failed = [position for position, verdict in verdicts.items() if not verdict.success]
        found = {}
        for position, verdict in self._results(batch, rules, failed, "SUMMARY", most).items() if failed else ():
            result = verdict.result
            examples = [int(row) for row in result.get("partial_unexpected_index_list") or []]
            found[position] = _Broken(result.get("unexpected_count", 0), examples, result.get("partial_unexpected_list") or [])
        return found

    def _results(
        self, batch: Any, rules: Sequence[CellRule], positions: list[int], result_format: str, most: int
    ) -> dict[int, Any]:
        expectations = [self._expectation(rules[position], position) for position in positions]
        suite = self._gx.ExpectationSuite(name="contract", expectations=expectations)
        outcome = batch.validate(suite, result_format={"result_format": result_format, "partial_unexpected_count": most})
        results = {result.expectation_config.meta["position"]: result for result in outcome.results}
        for result in results.values():
            raised = result.exception_info
            if raised.get("raised_exception"):
                raise RuntimeError(
                    f"Great Expectations failed on {result.expectation_config.kwargs}: {raised['exception_message']}"
                )
        return results

    def _expectation(self, rule: CellRule, position: int) -> Any:
        import great_expectations.expectations as gxe

        column = {"column": rule.column} if rule.column else {}
        return getattr(gxe, rule.expectation)(**column, **rule.arguments, meta={"position": position})


class _Tally:
    """What the batches have in common: broken cells so far, the step across a border, the hash of each row, the labels."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        order = CellRule(
            _STEP, "never decreasing", "ExpectColumnValuesToBeBetween", {"min_value": 0}, "no value below the row before"
        )
        self._rules = [*suite.cells, *([order] if suite.order else [])]
        self._broken: dict[int, list[_Broken]] = {}
        self._hashes: list[list[np.ndarray]] = [[] for _ in suite.unique]
        self._previous: float | None = None
        self.ones = self.zeros = 0

    def add(self, judge: _Judge, frame: pd.DataFrame) -> None:
        """Take in the next rows."""
        for rule, hashes in zip(self._suite.unique, self._hashes, strict=True):
            columns = list(rule.columns or self._suite.columns)
            hashes.append(pd.util.hash_pandas_object(frame[columns], index=False).to_numpy())
        label = frame[self._suite.label]
        self.ones += int((label == 1).sum())
        self.zeros += int((label == 0).sum())
        if self._suite.order:
            values = frame[self._suite.order].to_numpy(dtype=float)
            before = values[0] if self._previous is None else self._previous
            frame[_STEP] = np.diff(values, prepend=before)
            self._previous = float(values[-1])
        for column in dict.fromkeys(rule.column for rule in self._rules):
            positions = [position for position, rule in enumerate(self._rules) if rule.column == column]
            # One column at a time: Great Expectations copies the whole frame for each rule.
            for found, broken in judge.broken(frame[[column]], [self._rules[position] for position in positions]).items():
                self._broken.setdefault(positions[found], []).append(broken)

    def cell_checks(self) -> list[Check]:
        """Return one check for each rule on cells."""
        checks = []
        for position, rule in enumerate(self._rules):
            found = self._broken.get(position, [])
            rows = sum(part.rows for part in found)
            check = Check(
                rule=rule.name,
                column=(self._suite.order or "") if rule.column == _STEP else rule.column,
                success=not found,
                severity="stop",
                broken_rows=rows,
                example_rows=[row for part in found for row in part.examples][:_EXAMPLES],
                observed=self._observed(rule, rows, [value for part in found for value in part.values]),
                expected=rule.expected,
            )
            checks.append(check)
        return checks

    def _observed(self, rule: CellRule, rows: int, values: list[Any]) -> str:
        if not rows:
            return "as expected"
        if rule.column == _STEP:
            return f"{rows:,} decrease{'s' if rows > 1 else ''}"
        if rule.expectation == "ExpectColumnValuesToNotBeNull":
            return f"{rows:,} empty"
        if rule.column in self._suite.private:
            return f"{rows:,} other"
        distinct = list(dict.fromkeys(str(value) for value in values))
        return ", ".join(distinct[:3]) + (", ..." if len(distinct) > 3 or rows > len(values) else "")

    def repeated_rows(self) -> list[np.ndarray]:
        """Return, for each unique rule, the numbers of the rows that repeat an earlier one (64-bit hashes stand for rows)."""
        found = []
        for hashes in self._hashes:
            repeated = pd.Series(np.concatenate(hashes)).duplicated() if hashes else pd.Series(dtype=bool)
            found.append(np.flatnonzero(repeated.to_numpy()))
        return found


def _check_columns(judge: _Judge, table: Table, suite: Suite) -> list[Check]:
    types = {field.name: str(field.type) for field in table.schema if field.name != CARRIED}  # nobody reads that one
    order = CellRule("", "columns in order", "ExpectTableColumnsToMatchOrderedList", {"column_list": list(suite.columns)}, "")
    same = not judge.broken(pd.DataFrame(columns=list(types)), [order])
    expected = {name: kinds for name, kinds in suite.columns.items() if name in types}
    # One rule on a column of all types: Great Expectations takes as long for a rule on one cell as for one on a thousand.
    known = {"value_set": [_typed(name, kind) for name, kinds in expected.items() for kind in kinds]}
    found = pd.DataFrame({"types": [_typed(name, types[name]) for name in expected]}, dtype=object)
    rule = CellRule("types", "type", "ExpectColumnValuesToBeInSet", known, "")
    broken = judge.broken(found, [rule], most=len(found)) if expected else {}
    wrong = {row for each in broken.values() for row in each.examples}
    missing = [name for name in suite.columns if name not in types]
    extra = [name for name in types if name not in suite.columns]
    differences = [f"{word} {', '.join(names)}" for word, names in (("without", missing), ("with unknown", extra)) if names]
    described = "; ".join(differences) or ("the same" if same else "other order")
    checks = [_whole(order.name, "", same, described, ", ".join(suite.columns))]
    return checks + [
        _whole(rule.name, name, row not in wrong, types[name], kinds[0]) for row, (name, kinds) in enumerate(expected.items())
    ]


def _typed(column: str, kind: str) -> str:
    return f"{kind} {column}"


def _check_whole(judge: _Judge, rows: int, suite: Suite, tally: _Tally, negative_weight: float) -> list[Check]:
    weighted = tally.ones + tally.zeros * negative_weight
    share = tally.ones / weighted if weighted else 0.0
    low, high = suite.rows
    kinds = (tally.ones > 0) + (tally.zeros > 0)
    number = "ExpectColumnValuesToBeBetween"
    exactly = high == low
    expected_rows = f"{low:,}" if exactly else f"{low:,} or more" if high is None else f"{low:,} to {high:,}"
    row_rule = "as many rows as the manifest says" if exactly else "enough rows"
    facts: list[tuple[CellRule, float, str, str, Severity, np.ndarray]] = []
    none = np.array([], dtype=np.int64)

    def fact(
        rule: CellRule, value: float, column: str, observed: str, severity: Severity = "stop", at: np.ndarray = none
    ) -> None:
        facts.append((rule, value, column, observed, severity, at))

    bounds = {"min_value": low, "max_value": high}
    fact(CellRule("rows", row_rule, number, bounds, expected_rows), rows, "", f"{rows:,}")
    both = CellRule("classes", "both classes", number, {"min_value": 2}, "rows of 0 and rows of 1")
    fact(both, kinds, suite.label, f"{tally.zeros:,} rows of 0, {tally.ones:,} rows of 1")
    least, most = suite.label_share
    balance = CellRule(
        "share", "class balance", number, {"min_value": least, "max_value": most}, f"a share of ones from {least:g} to {most:g}"
    )
    weighting = "" if negative_weight == 1 else " (weighted to the real prior)"
    fact(balance, share, suite.label, f"{share:.6f}{weighting}")
    for position, (unique, repeated) in enumerate(zip(suite.unique, tally.repeated_rows(), strict=True)):
        part = len(repeated) / rows if rows else 0.0
        limit = f"at most {unique.tolerated_share:.0%} of rows repeated" if unique.tolerated_share else "no row repeated"
        rule = CellRule(f"repeated {position}", unique.name, number, {"max_value": unique.tolerated_share}, limit)
        fact(rule, part, ", ".join(unique.columns), f"{len(repeated):,} repeated ({part:.3%})", unique.severity, repeated)

    frame = pd.DataFrame({rule.column: [float(value)] for rule, value, *_ in facts})
    broken = judge.broken(frame, [rule for rule, *_ in facts])
    checks = [
        _whole(rule.name, column, at not in broken, observed, rule.expected, severity, repeated if at in broken else none)
        for at, (rule, _, column, observed, severity, repeated) in enumerate(facts)
    ]
    remedy = suite.balance_remedy(tally.ones, tally.zeros)
    return [
        check.model_copy(update={"remedy": remedy}) if check.rule == balance.name and not check.success else check
        for check in checks
    ]


def _whole(
    rule: str,
    column: str,
    success: bool,
    observed: str,
    expected: str,
    severity: Severity = "stop",
    rows: np.ndarray | None = None,
) -> Check:
    numbers = [] if rows is None else [int(row) for row in rows[:_EXAMPLES]]
    count = 0 if rows is None else len(rows)
    return Check(
        rule=rule,
        column=column,
        success=success,
        severity=severity,
        broken_rows=count,
        example_rows=numbers,
        observed=observed,
        expected=expected,
    )
