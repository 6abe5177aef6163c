"""The gate at work: hold a registered challenger against the champion, and move the aliases as the verdict says."""

from __future__ import annotations

import logging
from collections.abc import Callable

from pydantic import ValidationError

from fusionguard.config import GateConfig
from fusionguard.errors import BundleError, DataError
from fusionguard.evaluation.comparison import ComparedRows, Comparison, compare
from fusionguard.evaluation.gate import Contender, GateFacts, GateVerdict, LostChampion, decide_gate
from fusionguard.families.of_bundle import family_of
from fusionguard.families.scoring_model import ScoringModel
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.registry.aliases import champion, resolve_bundle, set_alias
from fusionguard.registry.description import describe_verdict, put_paragraph
from fusionguard.registry.pipeline_run import PipelineRun, this_process
from fusionguard.registry.run_page import put_note
from fusionguard.registry.tracking import open_store, registry_errors
from fusionguard.registry.versions import CHALLENGER, CHAMPION, RegisteredVersion

VERDICT_TAG = "gate.verdict"
REASON_TAG = "gate.reason"
_NAMED = 3

_log = logging.getLogger(__name__)


def pass_gate(
    home: Home,
    version: RegisteredVersion,
    bundle: Bundle,
    facts: GateFacts,
    read_test: Callable[[ScoringModel], ComparedRows],
    config: GateConfig,
    *,
    samples: int,
    seed: int,
    run: PipelineRun | None = None,
) -> GateVerdict:
    """Compare the challenger ``version`` with the champion on the same test rows, and move the alias if it wins.

    Both are compared as they were evaluated: a refit has seen the test rows, so it must never be judged on them.

    A champion whose bundle is damaged or gone defends nothing but its origin; of one that reads features which the rows do not
    hold, what it read itself on the same rows counts, where it did. The version carries
    the alias ``challenger`` afterwards, whatever the verdict.

    Parameters
    ----------
    version, bundle
        The challenger, as the registry knows it and as it is.
    facts
        Its reading on its test rows.
    read_test
        Scores those rows with a model, always in the same order; called for challenger and champion where they are compared.
    samples, seed
        How many bootstrap draws the comparison takes, and where they start.
    run
        The run that asks, for the history of the aliases; this process by default.

    Raises
    ------
    RegistryError
        The registry fails; the aliases are as they were.
    """
    family = family_of(bundle)
    model = family.model
    current = champion(home, model)
    rival: ScoringModel | None = None
    lost: LostChampion | None = None
    if current is not None:
        try:
            defending = resolve_bundle(home, f"{model}@{CHAMPION}")
            if set(family_of(defending).features.model_features) <= set(family.features.model_features):
                rival = family_of(defending).load(defending, evaluated=True)
            else:
                lost = _other_features(home, current, defending, bundle, facts)
        except BundleError as error:
            _log.warning("The champion, version %s, cannot be loaded: %s", current.version, error)
            lost = LostChampion(str(current.version), current.origin)

    def compare_both() -> Comparison:
        assert rival is not None
        return compare(read_test(family.load(bundle, evaluated=True)), read_test(rival), samples=samples, seed=seed)

    verdict = decide_gate(
        _contender(str(version.version), bundle),
        _contender(str(current.version), rival.bundle) if current is not None and rival is not None else None,
        facts=facts,
        compare=compare_both,
        config=config,
        lost=lost,
    )
    run = run or this_process()
    keep_verdict(home, version, verdict)
    set_alias(home, model, CHALLENGER, version.version, why=f"It is the newest model. {verdict.reason}", run=run)
    if verdict.promoted:
        set_alias(home, model, CHAMPION, version.version, why=verdict.reason, run=run)
    return verdict


def keep_verdict(home: Home, version: RegisteredVersion, verdict: GateVerdict) -> None:
    """Write the verdict on a version to its page and to that of its run.

    Not where a run makes the champion again, which is then held against itself: the verdict that made it champion stays.
    """
    if verdict.champion_version == str(version.version):
        return
    client, number = open_store(home), str(version.version)
    with registry_errors(home.mlflow_uri):
        entry = client.get_model_version(version.name, number)
        text = describe_verdict(verdict)
        client.set_model_version_tag(version.name, number, VERDICT_TAG, "promoted" if verdict.promoted else "not promoted")
        client.set_model_version_tag(version.name, number, REASON_TAG, verdict.reason)
        client.update_model_version(version.name, number, put_paragraph(entry.description or "", "Gate", text))
        put_note(client, version.run_id, "Gate", text)


def _other_features(home: Home, current: RegisteredVersion, defending: Bundle, bundle: Bundle, facts: GateFacts) -> LostChampion:
    """Return a champion that reads features which the rows do not hold, with what it read itself on the same ones."""
    own, other = family_of(bundle).features.model_features, family_of(defending).features
    missed = [other.words.get(name, name) for name in other.model_features if name not in own]
    more = f" and {len(missed) - _NAMED} more" if len(missed) > _NAMED else ""
    why = f"reads features that the data set does not declare any more ({', '.join(missed[:_NAMED])}{more})"
    read = _own_reading(home, defending)
    if read is None:
        return LostChampion(str(current.version), current.origin, why)
    champion, challenger = defending.manifest, bundle.manifest
    same = (champion.source_sha256, champion.seed, read.test_seconds, read.positives) == (
        challenger.source_sha256,
        challenger.seed,
        facts.test_seconds,
        facts.positives,
    )
    if same:
        return LostChampion(str(current.version), current.origin, why, own=read.own)
    why += f", and its average precision of {read.own:.3f} was read on other test rows"
    return LostChampion(str(current.version), current.origin, why)


def _own_reading(home: Home, defending: Bundle) -> GateFacts | None:
    """Return what a model read on its own test rows, as its training keeps it in the home; None where that is not there."""
    family = family_of(defending)
    try:
        text = (home.models / f"{family.model}-{defending.version}" / "evaluation.json").read_bytes()
        return family.report.model_validate_json(text).gate_facts()
    except (OSError, ValidationError, DataError):
        return None


def _contender(version: str, bundle: Bundle) -> Contender:
    known = set(Contender.model_fields) - {"version", "sha256"}
    return Contender(version=version, sha256=bundle.sha256, **bundle.manifest.model_dump(include=known))
