"""A whole scenario without a person: declare, back up, break, diagnose, restore, approve, prove, resolve.

Everything goes the way that people would take: over the workspace's page endpoints, through the unmodified bot.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import psycopg
import sqlalchemy as sa

from bot.diagnostics.sweeps import ITSELF
from bot.sandbox.actor import Actor, ActorStuck, wait_for
from bot.sandbox.demo import Sandbox
from bot.store.database import Database
from bot.store.tables import Incident, Postmortem, Run, Sweep

WORK_LIMIT_S = 300.0
LIT_WITHIN_S = 20.0
"""After a restore the first new bag is a while in coming."""


@dataclass(frozen=True)
class Act:
    """One part of the story: what was done, how long it took, what came of it."""

    name: str
    seconds: float
    words: str


@dataclass(frozen=True)
class Judgement:
    name: str
    words: str
    good: bool


@dataclass
class Story:
    """What happened. `good` only if every verdict is."""

    scenario: str
    ready_s: float
    acts: list[Act] = field(default_factory=list)
    verdicts: list[Judgement] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return bool(self.verdicts) and all(verdict.good for verdict in self.verdicts)

    def judge(self, name: str, words: str, good: bool) -> None:
        self.verdicts.append(Judgement(name, words, good))

    @contextmanager
    def act(self, name: str) -> Iterator[list[str]]:
        """Time a part of the story; what is appended to the list becomes its words."""
        began, words = time.monotonic(), list[str]()
        yield words
        self.acts.append(Act(name, round(time.monotonic() - began, 3), " ".join(words)))


class Play:
    """Plays one story in one sandbox; this one is of rows that are gone."""

    title = "Bags are missing"
    category = "database"
    impact = "Nothing can be scanned"
    resolution = "The lost bags are back."

    def __init__(self, sandbox: Sandbox, story: Story) -> None:
        self.sandbox, self.story = sandbox, story
        self.store = Database(sandbox.environment["HOLDFAST_DATABASE_URL"])
        people = {person.key: Actor(sandbox.workspace, f"U0{person.key.upper()}") for person in sandbox.policy.people}
        holders = {role: sandbox.policy.holders_of(role)[0].key for role in sandbox.policy.roles}
        self.coordinator = people[holders["dr_coordinator"]]
        self.admin = people[holders["database_admin"]]
        self.devops = people[holders["devops_engineer"]]
        self.channel = ""

    def parts(self) -> tuple[Callable[[], None], ...]:
        """What is played, in order."""
        return (
            self.declare, self.back_up, self.break_it, self.diagnose, self.restore, self.verify, self.resolve,
        )  # fmt: skip

    def declare(self) -> None:
        with self.story.act("declare") as words:
            lobby = self.coordinator.channel(self.sandbox.policy.slack.incidents_channel)
            self.coordinator.type_command(lobby or "", "/incident", "declare P1")
            form = self.coordinator.wait_for_form("severity", "title", "category")
            self.coordinator.submit(form, severity="P1", title=self.title, category=self.category, impact=self.impact)
            self.wait_for_channel()
            words.append("incident #1 has a channel and a summary")

    def wait_for_channel(self) -> None:
        """Until the incident has its channel, and everybody who has a part is in it."""
        prefix = f"{self.sandbox.policy.slack.channel_prefix}-1-"
        self.channel = wait_for("the incident's channel", lambda: self.coordinator.channel(prefix), 20)
        wait_for("the summary", lambda: self.saying(self.title), 20)
        wait_for("everybody's arrival", lambda: all(self._is_in(one) for one in (self.admin, self.devops)) or None, 20)

    def back_up(self) -> None:
        with self.story.act("back up") as words:
            self.admin.type_command(self.channel, "/dr", "backup")
            run = self.finished_run(1)
            words.append(run.words)
        self.story.judge("backup", run.words, run.state == "done" and bool(run.proof and run.proof.good))

    def break_it(self) -> None:
        before = self.count_bags()
        with self.story.act(f"break: {self.story.scenario}") as words:
            words.append(self.sandbox.stage.pull(self.story.scenario))
        after = self.count_bags()
        self.story.judge(
            "really broken", f"{before} bags before, {after} after", after is None or after < (before or 0)
        )

    def diagnose(self) -> None:
        with self.story.act("diagnose") as words:
            self.admin.type_command(self.channel, "/dr", "diagnose database")
            sweep = wait_for("the diagnosis", self.finished_sweep, 60)
            words.extend(f"{one.state}: {one.summary}" for one in sweep.findings if one.state != "ok")
        offered = {one.action for finding in sweep.findings if finding.state == "critical" for one in finding.suggests}
        found = "restore_database" in offered  # the loss itself: that nothing archives its log is critical as well
        self.story.judge("diagnosis", "; ".join(words) or "found nothing", found)

    def restore(self) -> None:
        with self.story.act("plan"):
            self.admin.press(self.channel, "action.open:restore_database")
            form = self.admin.wait_for_form("backup", timeout_s=60)
            choice = next(block for block in form["blocks"] if block.get("block_id") == "backup")
            self.admin.submit(form, backup=choice["element"]["options"][0]["value"])
            wait_for("the plan", lambda: self.saying("Restore traitortrack: pending"), 60)
        with self.story.act("approve by two"):
            for person in (self.coordinator, self.devops):
                person.press(self.channel, "plan.approve")
                person.submit(person.wait_for_form("typed"), typed="traitortrack")
        with self.story.act("restore, compare, swap") as words:
            run = self.finished_run(2)
            words.append(run.words)
        self.story.judge("run", f"{run.state}. {run.words}", run.state == "done")
        for verdict in run.proof.verdicts if run.proof else []:
            self.story.judge(verdict.name, f"{verdict.found} (expected: {verdict.expected})", verdict.good)

    def verify(self) -> None:
        bags = self.count_bags()
        self.story.judge("bags are back", f"{bags} bags", bags is not None and bags >= self.sandbox.stage.bags)
        with suppress(ActorStuck):  # then they are judged as they are
            wait_for("the lights", lambda: set(self._read_lights().values()) == {"ok"} or None, LIT_WITHIN_S)
        lights = self._read_lights()
        self.story.judge("lights", json.dumps(lights), all(state == "ok" for state in lights.values()))

    def resolve(self) -> None:
        with self.story.act("resolve, post-mortem") as words:
            self.coordinator.type_command(self.channel, "/incident", f"resolve {self.resolution}")
            file = wait_for("the post-mortem", self._posted_file, 60)
            words.append(file)
        with self.store.read() as session:
            incident, draft = session.get_one(Incident, 1), session.scalars(sa.select(Postmortem)).one()
        self.story.judge("resolved", incident.status, incident.status == "resolved")
        self.story.judge("post-mortem", f"{len(draft.markdown)} characters", "## Recovery clock" in draft.markdown)
        command = [sys.executable, "-m", "bot", "ledger", "verify", "--stored"]
        checked = subprocess.run(command, env=self.sandbox.bot_environment, capture_output=True, text=True, check=False)
        self.story.judge("ledger", checked.stdout.strip() or checked.stderr.strip(), checked.returncode == 0)

    def _is_in(self, actor: Actor) -> bool:
        return actor.user_id in self.sandbox.workspace.state.channels[self.channel].members

    def finished_run(self, number: int) -> Run:
        def look() -> Run | None:
            with self.store.read() as session:
                run = session.get(Run, number)
            return run if run and run.finished_at else None

        return wait_for(f"the end of run {number}", look, WORK_LIMIT_S)

    def finished_sweep(self) -> Sweep | None:
        with self.store.read() as session:
            asked = sa.select(Sweep).where(Sweep.finished_at.is_not(None), Sweep.requested_by != ITSELF)
            return session.scalar(asked.order_by(Sweep.id.desc()))

    def _read_lights(self) -> dict[str, str]:
        return {light["name"]: light["state"] for light in self.sandbox.stage.lights()}

    def saying(self, text: str) -> bool | None:
        return any(text in message.get("text", "") for message in self.coordinator.messages(self.channel)) or None

    def _posted_file(self) -> str | None:
        files = [file for message in self.coordinator.messages(self.channel) for file in message.get("files") or []]
        return next((file["name"] for file in files if file["name"].startswith("postmortem")), None)

    def count_bags(self) -> int | None:
        try:
            with psycopg.connect(self.sandbox.stage.application_url) as connection:
                row = connection.execute("SELECT count(*) FROM bag").fetchone()
        except psycopg.errors.UndefinedTable:
            return None
        return int(row[0]) if row else None


def tell(story: Story, *, as_json: bool) -> str:
    """The story for people or for programs."""
    if as_json:
        facts: dict[str, Any] = {**asdict(story), "good": story.good}
        return json.dumps(facts, indent=1, ensure_ascii=False)
    lines = [f"{act.seconds:8.2f} s  {act.name}: {act.words}" for act in story.acts]
    lines += [f"{'good' if one.good else 'BAD':>8}    {one.name}: {one.words}" for one in story.verdicts]
    return "\n".join([*lines, "Everything is as it should be." if story.good else "Not everything is as it should be."])
