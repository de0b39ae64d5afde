"""What runs touch: no two work on one host at once, whatever they are called by; on different things they do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.policy import Host, Policy, load_policy
from bot.recovery.action import Facts
from bot.recovery.locks import Held, refuse_held, release_locks, take_locks
from bot.recovery.registry import all_actions, list_touched
from bot.store.tables import Lock, Plan, Run
from tests.unit.recovery.ballot import Ballot, open_ballot

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHIPPED = load_policy(None)
HOME, AWAY = "traitortrack", "traitortrack_backup"
HOSTS = {
    "web_1": Host(title="Web 1", application=HOME, reach="ssm", instance_id="i-0aaaaaaa1", region="us-east-1"),
    "web_2": Host(title="Web 2", application=HOME, reach="ssm", instance_id="i-0aaaaaaa2", region="us-east-1"),
    "far_1": Host(title="Far 1", application=AWAY, reach="ssm", instance_id="i-0aaaaaaa3", region="us-west-2"),
}
POLICY: Policy = SHIPPED.model_copy(update={"hosts": HOSTS})
BOTH, FAR = {"web_1", "web_2"}, {"far_1"}
ON_APPLICATION = (
    "restart_application", "clear_session_cache", "maintenance_off", "write_environment",
    "roll_back_code", "deploy_code_archive", "deploy_code",
)  # fmt: skip


def on_applications() -> Iterator[tuple[str, Facts, set[str]]]:
    for name in ON_APPLICATION:
        more: Facts = {"revision": "main"} if name == "deploy_code" else {}
        yield name, {"application": HOME, **more}, BOTH
        yield name, {"application": AWAY, **more}, FAR


def on_hosts() -> Iterator[tuple[str, Facts, set[str]]]:
    for name in ("replace_server", "isolate_host", "snapshot_evidence"):
        for host in HOSTS:
            yield name, {"host": host}, {host}


WORK: list[tuple[str, Facts, set[str]]] = [
    *on_applications(),
    *on_hosts(),
    ("terminate_server", {"instance": "i-0aaaaaaa2"}, {"web_2"}),
    ("terminate_server", {"instance": "i-0aaaaaaa9"}, set()),
    ("refresh_instances", {}, BOTH),
    ("verify_auto_scaling", {}, BOTH),
    ("rotate_database_password", {"database": HOME}, BOTH),
    ("switch_database", {"database": HOME, "instance": "other"}, BOTH),
    ("switch_database", {"database": HOME, "instance": "other", "region": "secondary", "application": AWAY}, FAR),
    ("back_up_database", {"database": HOME}, set()),
    ("rotate_secret", {"secret": "SESSION_SECRET"}, set()),
    ("fail_over_dns", {"to": "backup"}, set()),
    ("maintenance_on", {"application": HOME}, set()),
    ("back_up_code", {}, set()),
]  # fmt: skip
"""Action, parameters, and the hosts that it works on: written down by hand, not asked of the action."""


@pytest.fixture(scope="module")
def ballot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ballot]:
    with open_ballot(Path(tmp_path_factory.mktemp("ballot"))) as opened:
        yield opened


def try_both(ballot: Ballot, first: frozenset[str], second: frozenset[str]) -> str | None:
    """Why the second of two runs may not begin while the first works; None where it may. All are released again."""
    given: dict[str, Any] = {"holder": "mei", "reason": "Work", "now": NOON}
    numbers = list[int]()
    with ballot.database.write() as session:
        for target in ("first", "second"):
            facts: dict[str, Any] = {"action": "x", "place": "p", "created_at": NOON, "target": target}
            plan = Plan(**facts, parameters={}, requested_by="mei", state="approved")
            session.add(plan)
            session.flush()
            run = Run(**facts, plan_id=plan.id, state="running")
            session.add(run)
            session.flush()
            numbers.append(run.id)
        take_locks(session, first, run_id=numbers[0], **given)
    try:
        with ballot.database.write() as session:
            take_locks(session, second, run_id=numbers[1], **given)
    except Held as held:
        with ballot.database.read() as session:
            taken = sa.select(Lock.target).where(Lock.run_id == numbers[1])
            assert list(session.scalars(taken)) == [], "all or none"
        return held.words
    finally:
        with ballot.database.write() as session:
            for number in numbers:
                release_locks(session, number)
            refuse_held(session, first | second)
    return None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(WORK), st.sampled_from(WORK))
def test_two_runs_never_meet_on_a_host(
    ballot: Ballot, one: tuple[str, Facts, set[str]], other: tuple[str, Facts, set[str]]
) -> None:
    touched = [list_touched(POLICY, name, given) for name, given, _ in (one, other)]
    why = try_both(ballot, *touched)
    if one[2] & other[2]:
        assert why is not None
    assert (why is not None) == bool(touched[0] & touched[1])
    if why is not None:
        assert "is held by run" in why
        assert "(Work), started by mei, since 12:00:00 UTC" in why


@pytest.mark.parametrize(("name", "given", "hosts"), WORK, ids=lambda one: one if isinstance(one, str) else "")
def test_what_is_declared_is_what_is_worked_on(name: str, given: Facts, hosts: set[str]) -> None:
    """Neither less, which would be a danger, nor hosts that are left alone, which others may have."""
    assert list_touched(POLICY, name, given) & set(HOSTS) == hosts


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("deploy_code", {"application": HOME, "revision": "main"}), ("deploy_code", {"application": AWAY,
            "revision": "main"})),
        (("isolate_host", {"host": "web_1"}), ("isolate_host", {"host": "web_2"})),
        (("isolate_host", {"host": "web_1"}), ("restore_database", {"database": HOME, "backup": "one"})),
        (("restart_application", {"application": HOME}), ("back_up_database", {"database": HOME})),
        (("restart_application", {"application": HOME}), ("fail_over_dns", {"to": "backup"})),
        (("replace_server", {"host": "web_1"}), ("maintenance_on", {"application": HOME})),
        (("restore_database", {"database": HOME, "backup": "one"}), ("maintenance_on", {"application": HOME})),
        (("maintenance_on", {"application": HOME}), ("maintenance_on", {"application": AWAY})),
    ],
)  # fmt: skip
def test_different_things_are_worked_on_at_once(
    ballot: Ballot, one: tuple[str, Facts], other: tuple[str, Facts]
) -> None:
    assert try_both(ballot, list_touched(POLICY, *one), list_touched(POLICY, *other)) is None


@pytest.mark.parametrize("other", ["maintenance_off", "maintenance_on"])
def test_the_page_comes_and_goes_one_after_the_other(ballot: Ballot, other: str) -> None:
    given: Facts = {"application": HOME}
    why = try_both(ballot, list_touched(POLICY, "maintenance_on", given), list_touched(POLICY, other, given))
    assert why is not None
    assert "maintenance page of traitortrack is held" in why


def test_users_are_not_let_in_while_a_server_is_replaced(ballot: Ballot) -> None:
    replacing = list_touched(POLICY, "replace_server", {"host": "web_1"})
    assert try_both(ballot, replacing, list_touched(POLICY, "maintenance_off", {"application": HOME})) is not None


@pytest.mark.parametrize("name", sorted(all_actions().keys() - {"maintenance_on"}))
def test_no_action_forgets_the_hosts_that_it_is_told_of(name: str) -> None:
    """Also one that is written tomorrow: whoever takes an application or a host touches its hosts. The maintenance page
    is a file beside all that others do there.
    """
    action = all_actions()[name]
    fields = action.parameters.model_fields
    for field, hosts in (("application", BOTH), ("host", {"web_1"})):
        if field in fields and fields[field].is_required():
            given = {field: HOME if field == "application" else "web_1"}
            parameters = action.parameters.model_construct(**{**dict.fromkeys(fields), **given})
            assert hosts <= action.touches(POLICY, parameters)
