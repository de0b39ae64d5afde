"""The real bot as a process of its own between a workspace and the shared stage, and how to kill and to judge it."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import requests
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.app import build_services
from bot.comms.notices import incident_room
from bot.policy import Policy, load_policy
from bot.policy.plain_yaml import dump_plain, load_plain
from bot.recovery.registry import find_action
from bot.sandbox.actor import Actor, ActorStuck, wait_for
from bot.sandbox.children import Child, http_answers, module_environment
from bot.sandbox.demo_policy import write_demo_policy
from bot.sandbox.people import list_members
from bot.sandbox.ports import free_port
from bot.sandbox.stage import DATABASE
from bot.sandbox.workspace import StartChannel, Workspace, build_workspace, serve
from bot.sandbox.workspace.state import Channel
from bot.services import Services
from bot.settings import manifest_path
from bot.store import ledger
from bot.store.tables import Delivery, Incident, LedgerEntry, Lock, Notice, Plan, Run, RunStep
from tests.crash.nursery import Nursling, Worker, open_nest
from tests.integration.store.stores import lay_down
from tests.quiet_policy import keep_quiet
from tests.stage_fixtures import SharedStage

T = TypeVar("T")
Json = dict[str, Any]
PATIENCE_S = 90.0


@dataclass
class Rig:
    """One bot with a store of its own. `services` works on the same store from this process, as a terminal would."""

    shared: SharedStage
    workspace: Workspace
    policy: Policy
    environment: dict[str, str]
    bots: list[Child]
    services: Services
    nest: Path | None = None
    actors: dict[str, Actor] = field(default_factory=dict)

    @property
    def bot(self) -> Child:
        return self.bots[0]

    def actor(self, key: str) -> Actor:
        """A person at the workspace's page."""
        return self.actors.setdefault(key, Actor(self.workspace, f"U0{key.upper()}"))

    def start(self, bot: Child | None = None) -> None:
        """Start a bot without waiting for anything."""
        (bot or self.bot).start()

    def replace_bot(self, folder: Path, **environment: str) -> None:
        """Another bot instead, which is not started yet: its log in a folder, and this in its environment."""
        self.bot.kill()
        only_works = isinstance(self.bot, Worker)
        self.bots[0] = make_bot(folder, 0, {**self.environment, **environment}, self.nest, only_works=only_works)

    def start_and_wait(self) -> None:
        """Start the bot and wait until it takes commands."""
        self.start()
        wait_for("the bot", lambda: len(self.workspace.sockets.connections) >= len(self.bots) or None, PATIENCE_S)

    def kill(self, bot: Child | None = None) -> None:
        """SIGKILL, as an accident would do it; returns when the process is gone."""
        chosen = bot or self.bot
        chosen.send(signal.SIGKILL)
        chosen.kill()

    def declare(self, title: str = "Bags are missing") -> Incident:
        """An incident with its room."""
        desk = self.services.desk
        declared = desk.declare(actor="amara", severity="P1", title=title, category="database", confirmed=True)
        return self.wait("its room", lambda: self._with_room(declared.id))

    def plan_restore(self, incident: Incident, backup: str | None = None, person: str = "diego") -> Plan:
        """Ask for a restore of the baseline and wait until it is pending, or what else became of it."""
        return self.plan("restore_database", incident, person, backup=backup or self.shared.baseline.key)

    def plan(self, action: str, incident: Incident, person: str = "diego", **parameters: str) -> Plan:
        asked = self.services.plans.request(
            person=self.person(person),
            action=action,
            parameters={"database": DATABASE, **parameters},
            place=incident_room(incident.id),
            incident_id=incident.id,
        )
        return self.wait("the plan", lambda: self._made(asked.id))

    def approve(self, plan: Plan, *people: str) -> Run | None:
        """Approve by these people, by two of the default policy if none are named."""
        run = None
        for key in people or ("amara", "mei"):
            run = self.services.approvals.decide(plan.id, plan.hash, self.person(key), "approve", typed=DATABASE)
        return run

    def start_restore(self, backup: str | None = None) -> Run:
        """From nothing to an approved run of a restore."""
        run = self.approve(self.plan_restore(self.declare(), backup))
        assert run is not None
        return run

    def finished(self, run_id: int) -> Run:
        """The run once it has ended."""

        def look() -> Run | None:
            run = self.services.runs.find(run_id)
            return run if run.finished_at else None

        return self.wait(f"the end of run {run_id}", look)

    def wait(self, what: str, look: Callable[[], T | None]) -> T:
        """Look until there is something; says what the bot logged when there never is."""
        try:
            return wait_for(what, look, PATIENCE_S)
        except Exception as stuck:
            raise AssertionError(f"{stuck}\n{self.bot.log_tail()}") from stuck

    def steps(self, run_id: int) -> dict[str, RunStep]:
        return {step.name: step for step in self.services.runs.list_steps(run_id)}

    def person(self, key: str) -> Any:
        person = self.policy.person(key)
        assert person is not None
        return person

    def room(self, incident_id: int) -> Channel:
        """The incident's channel in the workspace."""
        found = self.services.desk.find(incident_id).channel_id
        assert found is not None
        return self.workspace.state.channels[found]

    def said(self, channel: Channel, beginning: str) -> list[Json]:
        """The bot's messages in a channel that begin so."""
        return [one for one in list(channel.messages.values()) if str(one.get("text", "")).startswith(beginning)]

    def join(self, person: str, channel: Channel) -> None:
        """A person walks into a channel."""
        answer = requests.post(
            f"{self.workspace.base_url}/client/join",
            json={"user": f"U0{person.upper()}", "channel": channel.id},
            timeout=10,
        )
        assert answer.json()["ok"], answer.text

    def submit(self, person: str, form: Json, **values: str) -> str:
        """Send a form; what it says against it, nothing when it was taken."""
        try:
            self.actor(person).submit(form, **values)
        except ActorStuck as refused:
            return str(refused)
        return ""

    def told(self, channel: Channel, person: str) -> str:
        """What only this person was told there, the newest last."""
        user = f"U0{person.upper()}"
        return "\n".join(str(one.get("text")) for one in list(channel.ephemerals) if one.get("for_user") == user)

    def refusals(self, person: str) -> list[str]:
        """What the ledger says of presses that changed nothing."""
        return [one.text for one in self.entries() if one.kind == "approval.refused" and one.actor == person]

    def entries(self, incident_id: int | None = None) -> list[LedgerEntry]:
        query = sa.select(LedgerEntry).order_by(LedgerEntry.seq)
        with self.services.database.read() as session:
            rows = list(session.scalars(query))
        return [row for row in rows if incident_id is None or row.incident_id == incident_id]

    def settle(self) -> None:
        """Wait until the bot has nothing left to do and everything is said as it is now."""
        self.wait("rest", lambda: self.is_settled() or None)

    def is_settled(self) -> bool:
        return self._unsaid() == 0 and self.services.engine.pending() == 0

    def _unsaid(self) -> int:
        """Deliveries that do not show their notice's newest version."""
        query = sa.select(sa.func.count()).select_from(Delivery).join(Notice, Notice.id == Delivery.notice_id)
        late = sa.or_(Delivery.shown_version < Notice.version, Delivery.state != "sent")
        with self.services.database.read() as session:
            return session.scalar(query.where(late)) or 0

    def assert_sound(self) -> None:
        """Whatever happened: the chain holds, no lock is left, and no workflow ended in an error."""
        self.settle()
        with self.services.database.read() as session:
            assert ledger.verify(session)[1] == []
            assert session.scalars(sa.select(Lock)).all() == []
        assert self.services.engine.troubles() == []

    def assert_untouched(self, oid: int | None, run: Run) -> None:
        """The run did not happen: the live database is the one that it was, and nothing of the run is left."""
        self.assert_sound()
        assert self.shared.oid() == oid
        assert self.shared.count_bags() == self.shared.baseline.fingerprint.tables["public.bag"].rows
        assert self.shared.databases() == {DATABASE}
        assert run.incident_id is not None
        room = self.room(run.incident_id)
        self.wait("the last word on the run", lambda: self._ends(room, f"Run {run.id},", f": {run.state}"))

    def assert_restored(self, run_id: int) -> None:
        """The run ended as an undisturbed one does, and left what that leaves and nothing else."""
        run = self.finished(run_id)
        assert run.state == "done", f"{run.state}: {run.words}\n{self.bot.log_tail()}"
        assert run.proof is not None
        assert run.proof.good, run.proof
        assert run.incident_id is not None
        self.assert_sound()
        assert self.shared.databases() == {DATABASE, f"{DATABASE}_before_run{run_id}"}
        assert self.shared.count_bags() == self.shared.baseline.fingerprint.tables["public.bag"].rows
        assert Counter(entry.kind for entry in self.entries(run.incident_id)) == story_of(run)
        room = self.room(run.incident_id)
        self.wait("the last word on the run", lambda: self._ends(room, f"Run {run_id},", ": done"))
        self.wait("the last word on the plan", lambda: self._ends(room, f"Plan {run.plan_id},", ": approved"))
        assert len(room.pins) == 1

    def _ends(self, channel: Channel, beginning: str, end: str) -> bool | None:
        said = self.said(channel, beginning)
        assert len(said) <= 1, said
        return bool(said and said[0]["text"].endswith(end)) or None

    def _with_room(self, incident_id: int) -> Incident | None:
        incident = self.services.desk.find(incident_id)
        return incident if incident.channel_id else None

    def _made(self, plan_id: int) -> Plan | None:
        plan = self.services.plans.find(plan_id)
        return plan if plan.state != "making" else None


def story_of(run: Run) -> Counter[str]:
    """Kinds of the timeline entries that an undisturbed restore leaves, approved by two."""
    steps = [f"run.step.{step.name}" for step in find_action(run.action).steps()]
    before = ["incident.declared", "incident.room", "plan.made", "approval.approved", "approval.approved"]
    return Counter([*before, "run.queued", "run.started", *steps, "run.done"])


@contextmanager
def open_rig(
    shared: SharedStage,
    folder: Path,
    *,
    store: str | None = None,
    bots: int = 1,
    people: list[Json] | None = None,
    adapt: Callable[[Path], None] = lambda policy: None,
    only_works: bool = False,
    dies_often: bool = False,
    **environment: str,
) -> Iterator[Rig]:
    """A workspace and a bot that is not started yet. `people` are added to the policy's, `adapt` changes its file.

    A bot that `only_works` takes no requests; its start costs a fifth. One that `dies_often` is put together once.
    """
    stage = shared.stage
    path, policy = write_demo_policy(
        folder, stage.warehouse_url, supervisor=stage.supervisor_path, log_path=stage.warehouse_log_path
    )
    keep_quiet(path)
    if people:
        text = load_plain(path)
        text["people"] += people
        dump_plain(path, text)
    adapt(path)
    policy = load_policy(path)
    workspace = build_workspace(
        list_members(policy),
        manifest=load_plain(manifest_path()),
        channels=[StartChannel(policy.slack.incidents_channel)],
    )
    if store is None:
        lay_down(folder / "holdfast.db", engine=True)
    with serve(workspace), ExitStack() as stack:
        own = {
            **shared.stage.environment(),
            **workspace.environment,
            "HOLDFAST_POLICY": str(path),
            "HOLDFAST_DATABASE_URL": store or f"sqlite:///{folder / 'holdfast.db'}",
            **environment,
        }
        services = build_services(expose(own))
        has_nest = only_works or dies_often
        nest = stack.enter_context(open_nest(folder, module_environment(own))) if has_nest else None
        children = [make_bot(folder, number, own, nest, only_works=only_works) for number in range(bots)]
        rig = Rig(shared, workspace, policy, own, children, services, nest)
        stack.enter_context(ring_at_commit(rig))
        try:
            yield rig
        finally:
            for child in rig.bots:
                child.kill()
            services.engine.stop()
            services.database.close()


@contextmanager
def ring_at_commit(rig: Rig) -> Iterator[None]:
    """Whatever is committed from this process is work for the bot, if it only works."""

    def ring(session: Session) -> None:
        if session.bind is rig.services.database.engine and isinstance(rig.bot, Worker):
            rig.bot.ring()

    sa.event.listen(Session, "after_commit", ring)
    try:
        yield
    finally:
        sa.event.remove(Session, "after_commit", ring)


def wait_ready(child: Child) -> None:
    """Until a bot's web server answers."""
    port = child.argv[-1]
    child.wait_until(lambda: http_answers(f"http://127.0.0.1:{port}/readyz"), "ready", PATIENCE_S)


def look_closely(condition: Callable[[], bool], what: str) -> None:
    """Look every millisecond or so; AssertionError naming it when it never comes."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} never came"
        time.sleep(0.001)


def make_bot(
    folder: Path, number: int, own: dict[str, str], nest: Path | None = None, *, only_works: bool = False
) -> Child:
    """A bot that is not started yet, with this environment."""
    name, log, environment = f"bot{number}", folder / f"bot{number}.log", module_environment(own)
    if only_works:
        return Worker(name, log_path=log, env=environment, nest=nest)
    return Nursling(name, "serve", "--port", str(free_port()), log_path=log, env=environment, nest=nest)


def expose(own: dict[str, str]) -> dict[str, str]:
    """This process as the bot's would be: nothing of the real world, and what botocore reads from os.environ."""
    os.environ.update({name: value for name, value in own.items() if name.startswith("AWS_")})
    return module_environment(own)
