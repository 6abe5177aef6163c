"""Names that would be taken for a model, a pipeline or a route are refused when a declaration is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fusionguard.datasets.catalog import find_dataset, shipped_names
from fusionguard.datasets.faults import DeclarationError
from fusionguard.datasets.reading import parse_declaration
from fusionguard.datasets.shipped import dataset_names, declared_names, other_names
from fusionguard.families.catalog import family_names

TEXT = "version: 1\nproblem: fraud\nname: {}\nlabel: y\nnumeric: {{x: {{}}}}\n"


def test_each_data_set_that_ships_has_the_problem_that_it_is_called_by() -> None:
    assert sorted((*other_names(), *declared_names())) == list(shipped_names())
    assert {name: find_dataset(name).declaration.problem for name in other_names()} == other_names()
    assert set(other_names().values()) == set(dataset_names())


@pytest.mark.parametrize("name", ["fraud", "churn", "monitoring", "health", "models", "metrics", "v1", "assistant"])
def test_what_something_else_is_called_is_no_name(name: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_declaration(TEXT.format(name), "d.yaml")
    assert str(caught.value) == (
        f'd.yaml, line 3: name is "{name}"; something else of FusionGuard is called so; choose another name'
    )


def test_names_like_those_of_registered_models_and_of_other_families_are_refused() -> None:
    with pytest.raises(DeclarationError, match=r"line 3: .* no name may begin with fusionguard-, as those of registered models"):
        parse_declaration(TEXT.format("fusionguard-payments"))
    problems = (*family_names(), "arrears")
    with pytest.raises(DeclarationError, match='name is "arrears"; something else'):
        parse_declaration(TEXT.format("arrears"), problems=problems)
    for name in ("arrears", "frauds", "card-payments", "health-insurance"):
        assert parse_declaration(TEXT.format(name)).declaration.name == name


@pytest.mark.parametrize("name", shipped_names())
def test_the_name_of_a_data_set_that_ships_is_its_own(name: str, tmp_path: Path) -> None:
    shipped = find_dataset(name)
    copy = tmp_path / "copy.yaml"
    copy.write_text(shipped.text)
    assert find_dataset(str(copy)).declaration == shipped.declaration
    copy.write_text(
        re.sub(r"(?m)^version: 1$", "version: 1\nkaggle: somebody/else", re.sub(r"(?m)^kaggle: .*\n", "", shipped.text))
    )
    with pytest.raises(DeclarationError, match=f'line 4: name is "{name}"; a data set that ships is called so, and this is not'):
        find_dataset(str(copy))
