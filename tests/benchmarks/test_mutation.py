"""Mutants: which modules, what became of them, and that their tests notice a slice of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.markdown import insert, kept
from benchmarks.measure import CHECKOUT
from benchmarks.mutation.plan import Equivalent, Module, read_plan
from benchmarks.mutation.results import ModuleResult, SurvivorResult, keep_result, read_results, result_of, source_sha256
from benchmarks.mutation.run import Outcome, Survivor, mutate
from benchmarks.mutation.section import BEGIN, failures, section, survivors

_SLICE = ("families/fraud/policy.py", "evaluation/metrics.py", "monitoring/statistics.py")


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


def _result(file: str, mutants: int, *reasons: str) -> ModuleResult:
    survivors = tuple(SurvivorResult(function="f", before="a", after="b", reason=reason) for reason in reasons)
    return ModuleResult(file=file, source_sha256=source_sha256(file), mutants=mutants, survivors=survivors)


def test_a_module_is_judged_by_all_its_mutants() -> None:
    reason = "b does what a does, always"
    nine, eight = _result("errors.py", 10, reason), _result("files.py", 12, reason, "")
    eight = eight.model_copy(update={"source_sha256": "0" * 64})
    assert failures([nine, eight]) == ["files.py: 10 of 12 killed (83%)"]
    text = section([nine, eight, _result("gone.py", 5)], ["errors.py", "files.py", "later.py"])
    assert "19 of 22 mutants killed (86.4%)" in text
    assert "Not met by 1 of 2 modules." in text
    assert "Not measured yet: `later.py`." in text
    assert "| `errors.py` | 10 | 9 | 90% | 1 | 0 | as it is |" in text
    assert "| `files.py` | 12 | 10 | 83% | 1 | 1 | before its last change |" in text
    told = survivors([nine, eight, _result("gone.py", 5, reason)], ["errors.py", "files.py", "later.py"])
    assert told.count(f"- `f`: `a` becomes `b`: {reason}") == 2 and told.count("- `f`: `a` becomes `b`: unexplained") == 1
    assert told.index("**errors.py**") < told.index("**files.py**") and "gone.py" not in told


def test_a_result_takes_the_place_of_the_modules_last_one(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    assert read_results(file) == ()
    for result in (_result("files.py", 7), _result("errors.py", 3), _result("files.py", 9, "", "a reason")):
        keep_result(result, file)
    assert [(known.file, known.mutants, known.killed, known.unexplained) for known in read_results(file)] == [
        ("errors.py", 3, 3, 0),
        ("files.py", 9, 7, 1),
    ]


def test_an_outcome_keeps_the_reasons_of_its_survivors() -> None:
    equivalent = Equivalent(function="f", before="a", after="b", reason="b does what a does, always")
    survivors = (Survivor("x_f__mutmut_1", "f", "a", "b", equivalent), Survivor("x_g__mutmut_2", "g", "c", "", None))
    result = result_of(Outcome(Module(file="errors.py", tests=("t.py",)), 5, survivors))
    assert (result.mutants, result.killed, result.unexplained, result.is_current) == (5, 3, 1, True)
    assert [survivor.reason for survivor in result.survivors] == ["b does what a does, always", ""]


@pytest.mark.long
@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("file", [_SLICE[0], *(pytest.param(file, marks=pytest.mark.bench) for file in _SLICE[1:])])
def test_a_slice_of_mutants_is_noticed(file: str) -> None:
    module = next(module for module in read_plan() if module.file == file)
    result = result_of(mutate(module, mutants="*_*7", processes=1))
    assert result.mutants > 5
    assert result.share >= 0.9, result.survivors
    assert result.unexplained == 0, result.survivors


@pytest.mark.long
@pytest.mark.full
@pytest.mark.timeout(600)
def test_a_mutant_that_no_test_notices_survives(tmp_path: Path) -> None:
    module = Module(file="families/fraud/policy.py", tests=("families/fraud/test_report.py",))
    outcome = mutate(module, mutants="x_fit_policy__mutmut_*4", processes=1, keep=tmp_path / "output.txt")
    assert result_of(outcome).share < 0.9
    assert {survivor.function for survivor in outcome.survivors if survivor.equivalent is None} == {"fit_policy"}
    assert "Running mutation testing" in (tmp_path / "output.txt").read_text()


def test_the_figures_have_their_place_in_the_document() -> None:
    document = (CHECKOUT / "docs" / "testing.md").read_text(encoding="utf-8")
    assert "\nnew\n" in insert(document, "new", BEGIN)
    assert "| `checkpoint.py` |" in kept(document, BEGIN)
