"""The hash of a plan: the same for the same plan, another for any other; an approval is bound to it."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.recovery.plans import hash_plan
from bot.store.documents import PlanDocument, Proof, Verdict
from tests.unit.slack.rows import NOON
from tests.unit.slack.shapes import documents

THOROUGH = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@given(documents())
@THOROUGH
def test_kept_and_read_again_it_is_the_same(document: PlanDocument) -> None:
    assert hash_plan(PlanDocument.model_validate_json(document.model_dump_json())) == hash_plan(document)


@given(documents(), documents(), st.sampled_from(sorted(PlanDocument.model_fields)))
@THOROUGH
def test_whatever_differs_makes_another_hash(document: PlanDocument, other: PlanDocument, field: str) -> None:
    changes: dict[str, Any] = {field: getattr(other, field)}
    changed = document.model_copy(update=changes)
    assert (hash_plan(changed) == hash_plan(document)) == (changed.model_dump_json() == document.model_dump_json())


@given(st.lists(st.booleans(), max_size=5))
def test_a_proof_is_good_only_if_something_was_proven_and_all_of_it(verdicts: list[bool]) -> None:
    proof = Proof(verdicts=[Verdict(name="v", expected="e", found="f", good=good) for good in verdicts], at=NOON)
    assert proof.good == (verdicts != [] and all(verdicts))
