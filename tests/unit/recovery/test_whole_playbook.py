"""One plan for a whole playbook: what it covers, what it says, and when the world has moved under it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.outcome import Refused
from bot.policy import ApprovalRule, PlaybookStep, Policy, load_policy
from bot.recovery.playbooks.whole import (
    Part,
    adopt_own,
    describe_skipping,
    describe_whole,
    find_part,
    is_as_strict,
    list_things,
)
from bot.store.documents import Loss, PlanDocument, Prediction, Risk
from bot.store.tables import PlaybookRun, PlaybookTask

POLICY = load_policy(None)
RUN = PlaybookRun(id=3, playbook="database_corruption", database="traitortrack")
ACTION = PlaybookStep(title="Do it", action="restore_database", skipping="it")
PERSON = PlaybookStep(title="Look", manual="Look at it")

RESTORE = {"database": "traitortrack", "backup": "one"}


def make_document(risk: Risk = "high", **changed: Any) -> PlanDocument:
    facts: dict[str, Any] = {
        "action": "restore_database", "title": "Restore", "risk": risk, "target": "traitortrack", "parameters": {},
        "observed": {"oid": 1}, "steps": [], "loss": Loss(seconds=0, rows=0, words="nothing"),
        "downtime": Prediction(seconds=2, source="measured"), "duration": Prediction(seconds=60, source="measured"),
        "way_back": "kept",
    }  # fmt: skip
    return PlanDocument(**{**facts, **changed})


def describe(*parts: Part, policy: Policy = POLICY) -> PlanDocument:
    return describe_whole("Database corruption", RUN, list(parts), policy)


def test_the_strictest_risk_and_everything_added_up() -> None:
    lost = Loss(seconds=300, rows=7, words="7 rows")
    unknown = Prediction(seconds=None, source="not measured")
    whole = describe(
        Part(ACTION, make_document("low", action="back_up_database", parameters={"database": "traitortrack"})),
        Part(ACTION, make_document("destructive", parameters=RESTORE, loss=lost, downtime=unknown)),
        Part(PERSON, None, "done by a person"),
    )
    assert (whole.risk, whole.confirm, whole.playbook) == ("destructive", "traitortrack", 3)
    assert (whole.loss.seconds, whole.loss.words) == (300, "7 rows")
    assert (whole.duration.seconds, whole.downtime.seconds) == (120, 2)
    assert "for 1 more there is no figure" in whole.downtime.source
    assert [step.title for step in whole.steps] == ["Do it", "Do it", "Look"]
    assert list_things(whole, POLICY) == {"backup of traitortrack", "traitortrack"}
    assert find_part(whole, 1) == make_document("destructive", parameters=RESTORE, loss=lost, downtime=unknown)
    assert find_part(whole, 2) is None


def test_what_cannot_be_planned_yet_is_said_and_not_covered() -> None:
    whole = describe(Part(ACTION, None, "cannot be planned yet: no backup"), Part(ACTION, make_document()))
    assert whole.notes[0].startswith("1. Do it: cannot be planned yet: no backup; ")
    assert whole.notes[0].endswith("it needs its own approval.")
    assert (find_part(whole, 0), find_part(whole, 1) is None) == (None, False)
    with pytest.raises(Refused, match="No action of it can be planned now"):
        describe(Part(ACTION, None, "no backup"), Part(PERSON, None))


def test_an_action_for_which_the_policy_wants_more_keeps_its_own_approval() -> None:
    strict = POLICY.model_dump()
    strict["approval_exceptions"] = [{"actions": ["restore_database"], "risks": ["high"], "quorum": 2}]
    policy = Policy.model_validate(strict)
    whole = describe(Part(ACTION, make_document()), policy=policy)
    assert whole.observed == {}
    assert "needs its own approval" in whole.notes[0]
    assert find_part(describe(Part(ACTION, make_document())), 0) is not None


ROLES = st.lists(st.sampled_from(sorted(POLICY.roles)), min_size=1, unique=True)
RULES = st.builds(
    ApprovalRule,
    quorum=st.integers(0, 3),
    roles=ROLES,
    requester_may_approve=st.booleans(),
    expires_after=st.just("1 hour"),
    typed_confirmation=st.booleans(),
)


@given(RULES, RULES, st.lists(st.sampled_from(POLICY.people), unique_by=lambda one: one.key), st.booleans())
def test_whoever_satisfies_the_whole_satisfies_what_it_covers(
    rule: ApprovalRule, own: ApprovalRule, approvers: list[Any], typed: bool
) -> None:
    """Judged by counting people, with the first of the policy as the requester."""

    def satisfied(by: ApprovalRule) -> bool:
        may = [one for one in approvers if set(one.roles) & set(by.roles)]
        counted = [one for one in may if by.requester_may_approve or one is not POLICY.people[0]]
        return len(counted) >= by.quorum and (typed or not by.typed_confirmation or by.quorum == 0)

    if is_as_strict(rule, own) and satisfied(rule):
        assert satisfied(own)


FACTS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["x", "y", "z", 1, None]))


@given(FACTS, FACTS, st.sets(st.sampled_from(["x", "y", "z"])))
def test_only_what_the_playbook_made_itself_is_adopted(planned: Any, now: Any, made: set[str]) -> None:
    adopted = adopt_own(planned, now, made)
    assert set(adopted) == set(planned)
    for name, value in adopted.items():
        assert value == planned[name] or (value == now[name] and value in made)
        if now.get(name) in made:
            assert value == now[name]


def test_leaving_out_is_a_plan_as_risky_as_the_step() -> None:
    task = PlaybookTask(playbook_run_id=3, index=1, definition=ACTION, state="failed", words="no space")
    document = describe_skipping(RUN, task)
    assert (document.risk, document.playbook, document.confirm) == ("destructive", 3, "traitortrack")
    assert document.notes == ["Step: Do it", "It failed: no space", "Then missing: it"]
    task.definition = PERSON
    with pytest.raises(Refused, match="cannot be left out"):
        describe_skipping(RUN, task)
