"""Ending queries: exactly those of the plan, only while they are the same, and nobody who is protected."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pydantic import JsonValue

from bot.clock import utc_now
from bot.comms.notices import incident_room
from bot.outcome import Cancelled, Refused
from bot.policy import load_policy
from bot.recovery.action import Context, History, World
from bot.recovery.actions.end_queries import EndQueries, EndQueriesAction
from bot.sandbox.stage import DATABASE
from bot.store.tables import Incident, Plan, Run
from tests.crash.rig import Rig
from tests.integration.recovery.sessions import connected, count_log_lines, idle_in_transaction, running
from tests.stage_fixtures import SharedStage

TERMINATED = "terminating connection due to administrator command"
CANCELED = "canceling statement due to user request"


def plan_ending(rig: Rig, incident: Incident, **parameters: JsonValue) -> Plan:
    given: dict[str, JsonValue] = {"database": DATABASE, "older_than": "1 second", **parameters}
    asked = rig.services.plans.request(
        person=rig.person("diego"), action="end_queries", parameters=given, place=incident_room(incident.id),
        incident_id=incident.id,
    )  # fmt: skip
    return rig.wait(
        "the plan", lambda: found if (found := rig.services.plans.find(asked.id)).state != "making" else None
    )


def approve(rig: Rig, plan: Plan) -> Run:
    assert plan.state == "pending", plan.reason
    run = rig.services.approvals.decide(plan.id, plan.hash, rig.person("amara"), "approve")
    assert run is not None
    return rig.finished(run.id)


def assert_proven(ended: Run) -> None:
    assert ended.state == "done", ended.words
    assert ended.proof is not None
    assert ended.proof.good, ended.proof


def test_terminated(rig: Rig, incident: Incident) -> None:
    """A query and an idle transaction that others wait for go; a dump, a superuser and whoever waited stay."""
    shared = rig.shared
    with (
        running(shared, "report") as report,
        idle_in_transaction(shared, "forgotten", "LOCK TABLE bill") as forgotten,
        connected(shared, "waiting") as waiting,
        running(shared, "pg_dump") as dump,
        running(shared, "admin", role="postgres") as admin,
    ):
        waiting.ask("SELECT count(*) FROM bill")
        meant: list[JsonValue] = [one.wait_until_older(0).session for one in (report, forgotten, dump, admin)]
        plan = plan_ending(rig, incident, sessions=meant)
        assert plan.document is not None, plan.reason
        notes = "\n".join(plan.document.notes)
        assert f"terminate {report.pid}" in notes
        assert f"terminate {forgotten.pid}" in notes
        assert "idle in transaction" in notes
        assert "holds up 1" in notes
        assert f"spared: {dump.pid} traitortrack pg_dump: pg_dump is protected" in notes
        assert "is a superuser" in notes
        assert "geheim" not in str(plan.document), "values may be personal or secret"
        before = count_log_lines(shared, TERMINATED)
        assert_proven(approve(rig, plan))
        assert count_log_lines(shared, TERMINATED) - before == 2
        assert not report.is_connected()
        assert not forgotten.is_connected()
        assert dump.find() is not None
        assert admin.find() is not None
        assert waiting.finish()
    rig.assert_sound()


def test_cancelled(rig: Rig, incident: Incident) -> None:
    """The query ends and its session stays; of an idle transaction the session has to go."""
    shared = rig.shared
    with running(shared, "report") as report, idle_in_transaction(shared, "forgotten", "SELECT 1") as forgotten:
        report.wait_until_older(1)
        forgotten.wait_until_older(1)
        plan = plan_ending(rig, incident, mode="cancel")
        before = count_log_lines(shared, CANCELED)
        assert_proven(approve(rig, plan))
        assert count_log_lines(shared, CANCELED) - before == 1
        report.finish()
        assert report.connection.execute("SELECT 1").fetchone() == (1,)
        assert not forgotten.is_connected()


def test_only_the_sessions_that_are_named(rig: Rig, incident: Incident) -> None:
    with running(rig.shared, "one") as one, running(rig.shared, "other") as other:
        session = one.wait_until_older(0).session
        other.wait_until_older(1)
        assert_proven(approve(rig, plan_ending(rig, incident, sessions=[session])))
        assert not one.is_connected()
        assert other.find() is not None


def test_session_that_is_at_something_else_by_now(rig: Rig, incident: Incident) -> None:
    """Same process, same session, another query: it was not in the plan."""
    with running(rig.shared, "report") as report, running(rig.shared, "second") as second:
        report.wait_until_older(1)
        second.wait_until_older(1)
        plan = plan_ending(rig, incident)
        report.ask_another()
        ended = approve(rig, plan)
        assert_proven(ended)
        assert report.find() is not None
        assert not second.is_connected()
        assert "was left alone" in rig.steps(ended.id)["end"].words


def test_everything_has_ended_by_itself(rig: Rig, incident: Incident) -> None:
    with running(rig.shared, "report") as report:
        report.wait_until_older(1)
        plan = plan_ending(rig, incident)
    ended = approve(rig, plan)
    assert ended.state == "needless"
    assert "Nothing was left to do: No query of" in ended.words


@pytest.mark.parametrize(
    ("parameters", "state", "why"),
    [
        pytest.param({"older_than": "1 hour"}, "needless", "has lasted for 1 h", id="none-is-so-old"),
        pytest.param({"sessions": ["5f5e0ff.7b"]}, "needless", "None of these sessions runs", id="no-such-session"),
        pytest.param({"database": "elsewhere"}, "refused", "not a database of the policy", id="unknown-database"),
    ],
)
def test_nothing_to_end(rig: Rig, incident: Incident, parameters: dict[str, JsonValue], state: str, why: str) -> None:
    plan = plan_ending(rig, incident, **parameters)
    assert plan.state == state
    assert why in plan.reason


@pytest.mark.parametrize("parameters", [{"older_than": "soon"}, {"mode": "kill"}, {"sessions": 7}])
def test_parameters_that_mean_nothing(rig: Rig, incident: Incident, parameters: dict[str, JsonValue]) -> None:
    with pytest.raises(Refused, match="end_queries cannot be planned"):
        plan_ending(rig, incident, **parameters)


def test_only_protected_ones_are_meant(rig: Rig, incident: Incident) -> None:
    with running(rig.shared, "pg_dump") as dump:
        dump.wait_until_older(1)
        plan = plan_ending(rig, incident)
        assert plan.state == "refused"
        assert "pg_dump is protected" in plan.reason
        assert dump.find() is not None


@contextmanager
def no_monitoring(rig: Rig) -> Iterator[None]:
    with rig.shared.admin() as connection:
        connection.execute("REVOKE pg_monitor FROM holdfast")
        try:
            yield
        finally:
            connection.execute("GRANT pg_monitor TO holdfast")


def test_role_that_may_not_look(rig: Rig, incident: Incident) -> None:
    """Seeing nothing must not be taken for there being nothing."""
    with no_monitoring(rig):
        plan = plan_ending(rig, incident)
    assert plan.state == "refused"
    assert "may not see what others run" in plan.reason


def test_cancelled_before_anybody_was_asked(fresh_stage: SharedStage) -> None:
    with running(fresh_stage, "report") as report:
        wanted = EndQueries(database=DATABASE, sessions=(report.wait_until_older(0).session,))
        world, action = World(load_policy(None), fresh_stage.stage.environment(), utc_now), EndQueriesAction()
        plan = action.plan(world, wanted, action.observe(world, wanted), History())
        context = Context(world, 1, "run1-test", wanted, plan, progress=lambda words: None, cancelled=lambda: True)
        with pytest.raises(Cancelled):
            action.steps()[0].do(context)
        assert report.find() is not None
        assert f"still run: {report.pid}" in action.clean_up(context)
