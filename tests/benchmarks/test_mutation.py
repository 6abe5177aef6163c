"""Mutants: which modules, what became of them, and that their tests notice a slice of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.measure import CHECKOUT
from benchmarks.mutation.plan import Equivalent, Module, read_plan
from benchmarks.mutation.run import Outcome, Survivor, mutate
from benchmarks.mutation.section import BEGIN, END, failures, insert, section

_SLICE = ("evaluation/policy.py", "evaluation/metrics.py", "monitoring/statistics.py")


def test_the_plan_names_files_that_are_there() -> None:
    for module in read_plan():
        assert (CHECKOUT / module.source).is_file(), module.file
        for test in module.tests:
            assert (CHECKOUT / "tests" / test).is_file(), test


def test_each_module_stands_once_in_the_plan() -> None:
    files = [module.file for module in read_plan()]
    assert len(files) == len(set(files))


def test_an_equivalent_mutant_needs_a_reason(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text("- {file: a.py, tests: [b.py], equivalent: [{function: f, before: x, after: y, reason: none}]}")
    with pytest.raises(ValueError, match="at least 20 characters"):
        read_plan(file)


def _outcome(file: str, mutants: int, *reasons: str | None) -> Outcome:
    known = [reason and Equivalent(function="f", before="a", after="b", reason=reason) for reason in reasons]
    survivors = tuple(Survivor(f"x_f__mutmut_{i}", "f", "a", "b", one or None) for i, one in enumerate(known))
    return Outcome(Module(file=file, tests=("t.py",)), mutants, survivors)


def test_a_module_is_judged_by_all_its_mutants() -> None:
    reason = "b does what a does, always"
    nine, eight = _outcome("nine.py", 10, reason), _outcome("eight.py", 12, reason, None)
    assert failures([nine, eight]) == ["eight.py: 10 of 12 killed (83%)"]
    text = section([nine, eight], minutes=3.2)
    assert "19 of 22 mutants killed (86.4%)" in text
    assert "Not met by 1 of 2 modules." in text
    assert "| `eight.py` | 12 | 10 | 83% | 1 | 1 |" in text
    assert f"- `f`: `a` becomes `b`: {reason}" in text
    assert "- `f`: `a` becomes `b`: unexplained" in text


def test_the_section_takes_the_place_of_the_one_before() -> None:
    assert insert(f"# T\n{BEGIN}\nold\n{END}\nrest", "new") == f"# T\n{BEGIN}\nnew\n{END}\nrest"
    with pytest.raises(ValueError, match="lacks"):
        insert("# T", "new")


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("file", _SLICE)
def test_a_slice_of_mutants_is_noticed(file: str) -> None:
    module = next(module for module in read_plan() if module.file == file)
    outcome = mutate(module, mutants="*_*7", processes=1)
    assert outcome.mutants > 5
    assert outcome.share >= 0.9, outcome.survivors
    assert not outcome.unexplained


@pytest.mark.full
@pytest.mark.timeout(600)
def test_a_mutant_that_no_test_notices_survives(tmp_path: Path) -> None:
    module = Module(file="evaluation/policy.py", tests=("evaluation/test_report.py",))
    outcome = mutate(module, mutants="x_fit_policy__mutmut_*4", processes=1, keep=tmp_path / "output.txt")
    assert outcome.share < 0.9
    assert {survivor.function for survivor in outcome.unexplained} == {"fit_policy"}
    assert "Running mutation testing" in (tmp_path / "output.txt").read_text()
