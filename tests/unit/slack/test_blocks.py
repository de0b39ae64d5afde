"""Every view and message body, made of whatever may be in the store: Slack takes it, and obeys none of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from bot.policy import load_policy
from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.limits.surfaces import check_message_blocks, check_view
from bot.slack.blocks.findings import show_sweep
from bot.slack.blocks.incident import show_announcement, show_list, show_timeline, title_of
from bot.slack.blocks.parts import pack
from bot.slack.blocks.plan import Seats, show_plan
from bot.slack.blocks.run import show_run
from bot.slack.blocks.summary import SeatShown, Summary, show_summary
from bot.slack.text import literal
from bot.slack.views import alerts as alert_forms
from bot.slack.views.home import HomeFacts, show_home
from bot.slack.views.incident import Prefill, declare_form, update_form
from bot.slack.views.recovery import approve_form, restore_failed, restore_form, restore_loading, whole_plan
from bot.store.documents import Finding, PlanDocument, SweepStory
from bot.store.tables import AlertGroup, Incident, LedgerEntry, Plan, Run, RunStep, Sweep, Task
from tests.unit.slack import rows, shapes

Json = dict[str, Any]
POLICY = load_policy(None)
THOROUGH = settings(
    max_examples=25,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
OURS = re.compile(r"<!date\^\d+\^[^|<>]+\|[^<>]+>|<#[CG][A-Z0-9]+>")
"""The only commands to Slack that we write ourselves."""


def mrkdwn(shape: object) -> Iterator[str]:
    """Every text that Slack parses."""
    if isinstance(shape, dict):
        if shape.get("type") == "mrkdwn":
            yield str(shape["text"])
        else:
            for value in shape.values():
                yield from mrkdwn(value)
    elif isinstance(shape, list):
        for one in shape:
            yield from mrkdwn(one)


def check(blocks: list[Json]) -> None:
    """Slack takes the message, and nothing in it is a command of somebody else's."""
    check_message_blocks(blocks)
    refuse_commands(blocks)


def check_form(view: Json, kind: str = "modal") -> None:
    check_view(view, kind)
    refuse_commands(view["blocks"])


def refuse_commands(blocks: list[Json]) -> None:
    for text in mrkdwn(blocks):
        assert not re.search(r"<[!@#]|<[a-z]+:", OURS.sub("", text)), text


def readable(blocks: object) -> str:
    """Every text that is shown, as it is shown: entities are signs again, guards of formats are invisible."""
    if isinstance(blocks, dict):
        own = blocks.get("text") if isinstance(blocks.get("text"), str) else ""
        return "\n".join(
            [str(own or ""), *(readable(value) for value in blocks.values() if not isinstance(value, str))]
        )
    if isinstance(blocks, list):
        return "\n".join(map(readable, blocks))
    return ""


def name(key: str) -> str:
    return f"{key} <@U1>"


@given(
    rows.incidents(), st.lists(rows.runs(), max_size=6), st.lists(shapes.lines(), max_size=6), st.lists(rows.tasks())
)
@THOROUGH
def test_summary(incident: Incident, runs: list[Run], titles: list[str], tasks: list[Task]) -> None:
    seats = [SeatShown("dr_coordinator", title, title if index % 2 else "") for index, title in enumerate(titles)]
    summary = Summary(
        incident=incident, fields=[("Status", "now")] * 12, seats=seats, components="Database", dependents="x" * 400,
        tasks=tasks, links=[rows.make_link(title=title or "x") for title in titles], runs=runs, name=name,
        now=rows.NOON, hint="help",
    )  # fmt: skip
    blocks = pack(show_summary(summary))
    check(blocks)
    assert incident.title[:100] in readable(blocks)
    assert ("incident.resolve" in str(blocks)) == incident.is_open
    assert ("Private" in readable(blocks)) >= incident.private


@given(rows.incidents(), shapes.texts())
@THOROUGH
def test_announcement(incident: Incident, prose: str) -> None:
    check(pack(show_announcement(incident, literal(prose) or "x")))


@given(st.lists(rows.incidents(), max_size=40))
@THOROUGH
def test_list(incidents: list[Incident]) -> None:
    blocks = pack(show_list(incidents, name))
    check(blocks)
    for incident in incidents[:3]:
        assert f"#{incident.id} " in readable(blocks)


@given(rows.incidents(), st.lists(rows.entries(), max_size=80), st.integers(1, 40))
@THOROUGH
def test_timeline_shows_the_newest_that_fit(incident: Incident, entries: list[LedgerEntry], times: int) -> None:
    entries = entries * times
    blocks = pack(show_timeline(incident, entries, name))
    check(blocks)
    if entries:
        assert "left out" not in str(blocks), "it chooses itself what fits"
        assert entries[-1].text[:100] in readable(blocks)


@pytest.mark.parametrize("size", [1, 60, 150, 290, 300, 301, 5000])
def test_a_timeline_full_of_long_entries_recorded_late_is_shown(size: int) -> None:
    entries = [rows.make_entry(seq, text="x" * size, late_s=90_061) for seq in range(1, 400)]
    blocks = pack(show_timeline(rows.make_incident(title="t" * 200), entries, lambda _: "A person's long name " * 3))
    check(blocks)
    assert len([block for block in blocks if block["type"] == "rich_text"]) == 1


def test_a_diagnosis_names_those_that_have_not_answered_until_it_has_ended() -> None:
    story = SweepStory(looking=["Clocks", "Locks"])
    begun = readable(pack(show_sweep(rows.make_sweep(story=story, finished_at=None), "Mei")))
    assert "looking… " in begun
    assert "Clocks, Locks" in begun
    assert "Clocks" not in readable(pack(show_sweep(rows.make_sweep(story=story), "Mei")))


@given(rows.sweeps())
@example(rows.make_sweep(findings=2000))
@THOROUGH
def test_sweep(sweep: Sweep) -> None:
    blocks = pack(show_sweep(sweep, literal("Mei *Tanaka*")))
    check(blocks)
    worst = [one for one in sweep.findings if one.state == "critical"][:1]
    for finding in worst:
        assert finding.title[:60] in readable(blocks)


@given(rows.plans(), st.lists(shapes.lines(), max_size=40))
@THOROUGH
def test_plan(plan: Plan, people: list[str]) -> None:
    names = [literal(person) for person in people]
    blocks = pack(show_plan(plan, Seats(2, names[:1], names[1:2], names[2:]), literal("Mei")))
    check(blocks)
    can_decide = {"plan.approve", "plan.deny"} <= set(re.findall(r"plan\.\w+", str(blocks)))
    assert can_decide == (plan.state == "pending"), "who must decide finds the buttons, however long the plan"
    if plan.document:
        assert plan.document.title[:60] in unguarded(readable(blocks))


def unguarded(shown: str) -> str:
    return shown.replace("\u2060", "").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@given(rows.plans(), shapes.documents(), st.booleans())
@THOROUGH
def test_forms_of_a_plan(plan: Plan, document: PlanDocument, typed: bool) -> None:
    form = approve_form(plan, document, typed)
    check_form(form)
    assert ("typed" in str([one.get("block_id") for one in form["blocks"]])) == (typed and bool(document.confirm))
    check_form(whole_plan(plan, document))


@given(rows.runs(), st.lists(rows.steps(), max_size=30), shapes.lines(), st.lists(shapes.lines(), max_size=3))
@THOROUGH
def test_run(run: Run, steps: list[RunStep], title: str, approvers: list[str]) -> None:
    blocks = pack(show_run(run, steps, title, [literal(one) for one in approvers], rows.NOON))
    check(blocks)
    assert ("run.cancel" in str(blocks)) == (run.state in ("queued", "running"))
    if run.proof:
        assert ("Proven" in readable(blocks)) == run.proof.good, "the verdict is seen, however long the proof"


def test_a_proof_of_hundreds_of_tables_still_says_what_is_wrong() -> None:
    proof = rows.make_proof(good=300, bad=2)
    blocks = pack(show_run(rows.make_run(state="done", proof=proof), [], "Restore", [], rows.NOON))
    check(blocks)
    shown = readable(blocks)
    assert "Not everything is as it should be" in shown
    assert "bad 0" in shown
    assert "bad 1" in shown


@given(st.lists(rows.incidents(), max_size=40), st.lists(rows.plans(), max_size=80))
@THOROUGH
def test_home(incidents: list[Incident], plans: list[Plan]) -> None:
    tasks = [
        Task(id=n, incident_id=one.id, title=one.title, owner="mei", due_at=one.last_update_at)
        for n, one in enumerate(incidents)
    ]
    written = [(one, one.declared_at) for one in incidents]
    readiness = [("Last backup taken", None), ("Last restore proven", rows.NOON)]
    facts = HomeFacts(incidents, plans[::2], plans[1::2], tasks, readiness, [one.title for one in incidents], written)
    view = show_home("TraitorTrack", facts, name)
    check_form(view, "home")
    assert "incident.declare" in str(view)


@given(st.text(max_size=30), shapes.lines(30))
@THOROUGH
def test_forms_of_the_desk(severity: str, title: str) -> None:
    check_form(declare_form(POLICY, Prefill(severity, title, "database", title * 200), "C1"))
    check_form(update_form(rows.make_incident(title=title)))
    group = AlertGroup(id=12, title=title, rule="database")
    check_form(alert_forms.declare_form(POLICY, group, POLICY.alerts.rules[0], list(POLICY.components)))
    check_form(alert_forms.declare_form(POLICY, group, None, []))
    check_form(alert_forms.attach_form(group, [rows.make_incident(id=number, title=title) for number in range(1, 130)]))
    check_form(alert_forms.mute_form(group))


@given(
    shapes.lines(),
    st.lists(st.tuples(shapes.lines(200), shapes.lines(200)), max_size=120, unique_by=lambda one: one[0][:150]),
    st.lists(shapes.texts()),
)
@THOROUGH
def test_choosing_a_backup(database: str, backups: list[tuple[str, str]], notes: list[str]) -> None:
    check_form(restore_loading(database))
    check_form(restore_form(database, backups, notes[:50], {"database": "x", "place": "p", "incident": None}))
    check_form(restore_failed(literal(database)))


@given(st.integers(0, 30), st.lists(shapes.texts(), max_size=3))
@THOROUGH
def test_findings_are_shown_as_written(count: int, evidence: list[str]) -> None:
    found = Finding(check="c", title="T", state="warning", summary="*<!here>* & `x`", evidence=evidence)
    blocks = pack(show_sweep(rows.make_sweep(findings=count, also=[found]), "Mei"))
    assert "*<!here>* & `x`" in readable(blocks), "rich text shows it exactly as it is"


@pytest.mark.parametrize(
    ("evidence", "shown"),
    [
        (['{"status":"down"}\n'], []),
        (["  503: STATUS down.", "---", ""], []),
        (["why: the disk is full", "why: the disk is full"], ["why: the disk is full"]),
        (["download"], ["download"]),
    ],
)
def test_evidence_that_only_repeats_the_summary_is_not_shown(evidence: list[str], shown: list[str]) -> None:
    found = Finding(
        check="c", title="T", state="warning", summary="https://x answered 503: {'status': 'down'}.", evidence=evidence
    )
    assert found.further == shown
    blocks = pack(show_sweep(rows.make_sweep([found]), "Mei"))
    assert ("rich_text_preformatted" in str(blocks)) == bool(shown)


def test_what_could_not_be_seen_for_the_same_reason_is_one_line() -> None:
    reasons = ["AWS does not answer.", "No token is set.", "AWS does not answer."]
    findings = [Finding(check=f"c{n}", title=f"T{n}", state="unknown", summary=why) for n, why in enumerate(reasons)]
    shown = readable(pack(show_sweep(rows.make_sweep(findings), "Mei")))
    assert shown.count("AWS does not answer.") == 1
    assert "T0, T2" in shown
    assert re.search(r"T1\s+No token is set\.", shown)


def test_one_line_is_no_lines() -> None:
    found = Finding(check="c", title="T", state="warning", summary="It is long.", evidence=["x " * 500])
    assert "Show evidence (1 line)" in readable(pack(show_sweep(rows.make_sweep([found]), "Mei")))


def test_the_checker_would_see_a_command() -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "hello <!channel>"}}
    with pytest.raises(AssertionError):
        check([section])
    with pytest.raises(SlackError):
        check([{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}])


@given(rows.incidents())
@THOROUGH
def test_titles_are_one_piece(incident: Incident) -> None:
    assert title_of(incident).endswith(incident.title)
