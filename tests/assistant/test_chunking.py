"""Documents are cut where people would cut them, and stay readable."""

from __future__ import annotations

from fusionguard.assistant.chunking import LONGEST_CHARACTERS, chunks_of
from fusionguard.assistant.reading import passages_of

ROW = "| partition | " + "x" * 60 + " |"


def test_a_chunk_has_all_headings_above_it() -> None:
    chunks = chunks_of("Before.\n\n# A\n\n## B `c` [d](e)\n\nText.\n\n### D\n\nMore.\n\n## E\n\nEnd.\n", "file")
    assert [(chunk.heading, chunk.text) for chunk in chunks] == [
        ("file", "Before."),
        ("A > B c d", "Text."),
        ("A > B c d > D", "More."),
        ("A > E", "End."),
    ]


def test_a_heading_inside_code_is_code() -> None:
    (chunk,) = chunks_of("# A\n\n```sh\n# not a heading\nmake index\n```\n", "file")
    assert chunk.text == "```sh\n# not a heading\nmake index\n```"


def test_a_long_section_is_cut_between_paragraphs() -> None:
    paragraphs = [f"Paragraph {number}. " + "word " * 90 for number in range(6)]
    chunks = chunks_of("# A\n\n" + "\n\n".join(paragraphs), "file")
    assert len(chunks) > 1
    assert all(len(chunk.text) <= LONGEST_CHARACTERS for chunk in chunks)
    assert "\n\n".join(chunk.text for chunk in chunks).split("\n\n") == [paragraph.strip() for paragraph in paragraphs]


def test_a_long_table_keeps_its_head_in_every_part() -> None:
    table = "\n".join(["| name | what |", "| --- | --- |", *[ROW] * 60])
    chunks = chunks_of(f"# A\n\n{table}\n", "file")
    assert len(chunks) > 1
    assert all(chunk.text.startswith("| name | what |\n| --- | --- |\n| partition") for chunk in chunks)
    assert sum(chunk.text.count("partition") for chunk in chunks) == 60


def test_a_long_list_is_cut_between_items() -> None:
    items = [f"- item {number}: " + "word " * 60 for number in range(10)]
    chunks = chunks_of("# A\n\n" + "\n".join(items), "file")
    assert len(chunks) > 1
    assert all(line.startswith("- item") for chunk in chunks for line in chunk.text.split("\n\n"))


def test_comments_and_empty_sections_are_no_text() -> None:
    assert chunks_of("# A\n\n<!-- written by a program -->\n\n## B\n", "file") == []
    assert chunks_of("", "file") == []


def test_an_id_stays_while_file_heading_and_text_stay() -> None:
    def ids(markdown: str) -> list[str]:
        passages = passages_of(markdown, kind="document", file="docs/a_b.md", title="a", source="x")
        return [passage.id for passage in passages]

    first = ids("# A\n\nOne.\n\n## Über uns\n\nTwo.\n\nTwo.\n")
    assert ids("# A\n\nOne.\n\n## Über uns\n\nTwo.\n\nTwo.\n") == first
    assert ids("# A\n\nOne!\n\n## Über uns\n\nTwo.\n\nTwo.\n")[1] == first[1]
    assert first[0].startswith("docs/a-b.md#A-")


def test_every_heading_of_a_simulated_card_says_so() -> None:
    card = "# Model card\n\n> **SIMULATED DATA.** Not real.\n\n## Results\n\n0.9\n"
    passages = passages_of(card, kind="card", file="card.md", title="card", source="x", about="version 3")
    assert [passage.heading for passage in passages] == [
        "Model card (SIMULATED data), version 3",
        "Model card (SIMULATED data), version 3 > Results",
    ]
