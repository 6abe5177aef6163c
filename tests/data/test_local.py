"""Local files and the declaration beside them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fusionguard.data.local import LocalSource, SourceDeclaration, find_file, read_declaration
from fusionguard.datasets.creditcard.schema import FRAUD
from fusionguard.errors import DataError
from fusionguard.files import sha256_file

REAL_RATE = 0.0818


@pytest.mark.parametrize("name", ["creditcard.csv.source.yaml", "source.yaml"])
def test_a_declared_sampling_rate_reaches_the_provenance_of_the_real_sample(name: str, real_data: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(real_data / "creditcard_fraud" / "creditcard.csv", tmp_path / "creditcard.csv"))
    (tmp_path / name).write_text(f"negative_sampling_rate: {REAL_RATE}\nnote: every fraud, one legitimate row in 12\n")
    source = LocalSource(file, FRAUD)
    provenance = source.fetch(tmp_path / "run").provenance
    assert provenance.negative_sampling_rate == REAL_RATE
    assert provenance.negative_weight == pytest.approx(12.225, rel=1e-4)
    assert provenance.description == "creditcard.csv: every fraud, one legitimate row in 12"
    assert provenance.sha256 == sha256_file(file)
    assert str(tmp_path) not in provenance.model_dump_json() + source.description


def test_without_a_declaration_nothing_was_sampled(tmp_path: Path) -> None:
    assert read_declaration(tmp_path / "creditcard.csv") == SourceDeclaration(negative_sampling_rate=1.0, note="")


def test_the_declaration_of_a_folder_of_parts_is_found_from_inside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "parts" / "deeper").mkdir(parents=True)
    (tmp_path / "parts.source.yaml").write_text("negative_sampling_rate: 0.125\n")
    for inside, folder in (("parts", "."), ("parts/deeper", "..")):
        monkeypatch.chdir(tmp_path / inside)
        assert read_declaration(Path(folder)).negative_sampling_rate == 0.125


def test_the_declaration_is_part_of_the_fingerprint(tmp_path: Path) -> None:
    file = tmp_path / "creditcard.csv"
    file.write_text("any")
    prints = [LocalSource(file, FRAUD).fingerprint]
    for rate in (0.5, 0.25):
        (tmp_path / "source.yaml").write_text(f"negative_sampling_rate: {rate}\n")
        prints.append(LocalSource(file, FRAUD).fingerprint)
    assert prints[0] == sha256_file(file)
    assert len(set(prints)) == 3


def test_to_declare_that_nothing_was_sampled_is_to_say_something(tmp_path: Path) -> None:
    file = tmp_path / "creditcard.csv"
    file.write_text(f"{','.join(FRAUD.columns)}\n{'0,' * 30}1\n")
    silent = LocalSource(file, FRAUD)
    assert not silent.fetch(tmp_path / "a").provenance.sampling_declared
    (tmp_path / "creditcard.csv.source.yaml").write_text("note: all of them\n")
    noted = LocalSource(file, FRAUD)
    assert not noted.fetch(tmp_path / "b").provenance.sampling_declared
    (tmp_path / "creditcard.csv.source.yaml").write_text("note: all of them\nnegative_sampling_rate: 1\n")
    declared = LocalSource(file, FRAUD)
    found = declared.fetch(tmp_path / "c").provenance
    assert (found.sampling_declared, found.negative_sampling_rate, found.file) == (True, 1.0, "creditcard.csv")
    assert len({silent.fingerprint, noted.fingerprint, declared.fingerprint}) == 3


def test_a_declaration_for_the_file_wins_over_that_for_the_folder(tmp_path: Path) -> None:
    (tmp_path / "source.yaml").write_text("negative_sampling_rate: 0.5\n")
    (tmp_path / "a.csv.source.yaml").write_text("negative_sampling_rate: 0.25\n")
    assert read_declaration(tmp_path / "a.csv").negative_sampling_rate == 0.25
    assert read_declaration(tmp_path / "b.csv").negative_sampling_rate == 0.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sampling: 0.1\n", r"source.yaml has the unknown key 'sampling'.*negative_sampling_rate, simulated, note"),
        ("negative_sampling_rate: 0\n", "bad value for 'negative_sampling_rate'.*greater than 0"),
        ("negative_sampling_rate: 12.2\n", "bad value for 'negative_sampling_rate'.*less than or equal to 1"),
        ("negative_sampling_rate: a lot\n", "bad value for 'negative_sampling_rate'"),
        ("- a\n", "must hold keys and values"),
        ("a: [\n", "is not valid YAML"),
    ],
)
def test_bad_declarations(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "source.yaml").write_text(text)
    with pytest.raises(DataError, match=message):
        read_declaration(tmp_path / "creditcard.csv")


def test_find_file_prefers_the_unpacked_one(tmp_path: Path) -> None:
    assert find_file(tmp_path, FRAUD) is None
    (tmp_path / "archive.zip").touch()
    assert find_file(tmp_path, FRAUD) == tmp_path / "archive.zip"
    (tmp_path / "creditcard.csv").touch()
    assert find_file(tmp_path, FRAUD) == tmp_path / "creditcard.csv"
