"""What all sections of the documents share."""

from __future__ import annotations

import pytest

from benchmarks.machine import Machine
from benchmarks.markdown import END, insert


def test_a_section_takes_the_place_of_the_one_before_at_its_own_mark() -> None:
    document = f"# Title\n<!-- a -->\nold\n{END}\nrest\n<!-- b -->\nother\n{END}\n"
    again = insert(insert(document, "new", "<!-- a -->"), "newer", "<!-- a -->")
    assert again == document.replace("old", "newer")
    assert insert(document, "new", "<!-- b -->") == document.replace("other", "new")
    for lacking, mark in ((document, "<!-- c -->"), ("<!-- a -->", "<!-- a -->")):
        with pytest.raises(ValueError, match=f"the document lacks {mark} or {END}"):
            insert(lacking, "new", mark)


def test_a_machine_is_told_in_two_sentences() -> None:
    machine = Machine(cores=3, memory_gb=17, system="An OS, x86_64", python="3.12.1", libraries={}, load=0.26)
    assert machine.sentences() == ("Machine: 3 cores, 17 GB of memory, An OS, x86_64, Python 3.12.1. Load before it began: 0.3.")
    assert ", Python 3.12.1, DuckDB 2.0. Load" in machine.sentences("DuckDB 2.0")
