"""Which revision a region's playbook deploys: what is known to run in the other region, else the main branch."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.clock import utc_now
from bot.policy import load_policy
from bot.recovery.action import World
from bot.recovery.playbooks.references import REFERENCES, Occasion
from bot.recovery.playbooks.revisions import read_deployed
from bot.store.documents import Loss, PlanDocument, Prediction
from bot.store.tables import Plan, Run
from tests.unit.recovery.ballot import Ballot

NOW = utc_now()
HOME, AWAY = "traitortrack", "traitortrack_backup"
NOTHING = Prediction(seconds=0, source="none")
WORLD = World(load_policy(None).model_copy(update={"hosts": {}}), {}, utc_now)
"""In which no host answers, since there is none."""


def deploy(ballot: Ballot, action: str, revision: str | None, *, ago: timedelta, target: str = HOME) -> None:
    """A run as it stands in the store afterwards."""
    document = PlanDocument(
        action=action, title="Deploy", risk="high", target=target, parameters={}, observed={"revision": revision},
        steps=[], loss=Loss(seconds=0, rows=0, words="no data"), downtime=NOTHING, duration=NOTHING, way_back="back",
    )  # fmt: skip
    with ballot.database.write() as session:
        facts = {"action": action, "target": target, "place": "p", "created_at": NOW - ago}
        plan = Plan(**facts, parameters={}, requested_by="mei", state="approved", document=document)
        session.add(plan)
        session.flush()
        session.add(Run(**facts, plan_id=plan.id, state="done", finished_at=NOW - ago))


def find(ballot: Ballot, reference: str) -> str:
    def read(application: str) -> str | None:
        with ballot.database.read() as session:
            return read_deployed(session, application, NOW)

    occasion = Occasion(WORLD, HOME, NOW, read)
    return REFERENCES[reference](occasion)  # type: ignore[index]


def test_the_last_that_was_put_there_lately_counts(ballot: Ballot) -> None:
    deploy(ballot, "deploy_code", "c" * 40, ago=timedelta(hours=3))
    deploy(ballot, "roll_back_code", "a" * 40, ago=timedelta(hours=1))
    deploy(ballot, "restart_application", "e" * 40, ago=timedelta(minutes=1))
    deploy(ballot, "deploy_code", "b" * 40, ago=timedelta(minutes=1), target=AWAY)
    assert find(ballot, "first_region_revision") == "a" * 40
    assert find(ballot, "second_region_revision") == "b" * 40


@pytest.mark.parametrize(("revision", "ago"), [("a" * 40, timedelta(days=8)), (None, timedelta(hours=1))])
def test_what_is_not_known_is_the_main_branch(ballot: Ballot, revision: str | None, ago: timedelta) -> None:
    deploy(ballot, "deploy_code_archive", revision, ago=ago)
    assert find(ballot, "first_region_revision") == "main"
