"""The document's Scenario 1 without a person: a database is damaged; from its detection to the post-mortem."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from bot.sandbox.actor import wait_for
from bot.sandbox.first_backup import take_first_backup
from bot.sandbox.headless import WORK_LIMIT_S, Play
from bot.store.tables import PlaybookRun, Run
from bot.words import show_duration

BREAKS = "dropped-table"
NOTICED_WITHIN_S = 60.0
PHASES = ("detection", "decision", "retrieval", "restore", "restart", "validation")
"""All that the document names, in its order."""


class CorruptionPlay(Play):
    """A table is gone; the prober notices, somebody declares, the playbook runs under one approval of two."""

    title = "Bags cannot be read"
    resolution = "The table is back."

    def parts(self) -> tuple[Callable[[], None], ...]:
        return (
            self.have_backup, self.break_it, self.declare, self.diagnose, self.recover, self.verify, self.resolve,
        )  # fmt: skip

    def have_backup(self) -> None:
        """As any installation has one of last night."""
        with self.story.act("last night's backup"):
            take_first_backup(self.sandbox.stage, self.sandbox.policy)

    def break_it(self) -> None:
        with self.story.act(f"break: {BREAKS}") as words:
            words.append(self.sandbox.stage.pull(BREAKS))
        bags = self.count_bags()
        self.story.judge("really broken", f"{bags} bags", bags is None)

    def declare(self) -> None:
        """From the card of the alert, which knows since when."""
        lobby = self.coordinator.channel(self.sandbox.policy.slack.incidents_channel) or ""
        with self.story.act("detect") as words:
            self.coordinator.press(lobby, "alerts.declare", timeout_s=NOTICED_WITHIN_S)
            words.append("the prober's alert has a card")
        with self.story.act("declare"):
            form = self.coordinator.wait_for_form("severity", "title", "category")
            self.coordinator.submit(form, severity="P1", title=self.title, category=self.category, impact=self.impact)
            self.wait_for_channel()

    def recover(self) -> None:
        with self.story.act("playbook: plan"):
            self.admin.type_command(self.channel, "/dr", "playbook database_corruption")
            wait_for("the plan", lambda: self.saying("Playbook “Database corruption”: pending"), 60)
        with self.story.act("approve by two"):
            for person in (self.coordinator, self.devops):
                person.press(self.channel, "plan.approve")
                person.submit(person.wait_for_form("typed"), typed="traitortrack")
        with self.story.act("keep, restore, compare, swap") as words:
            ended = wait_for("the end of the playbook", self.ended_playbook, WORK_LIMIT_S)
            words.append(ended.words)
        self.story.judge("playbook", f"{ended.state} {ended.words}".strip(), ended.state == "done")
        self._judge_restore()

    def _judge_restore(self) -> None:
        with self.store.read() as session:
            run = session.scalars(sa.select(Run).where(Run.action == "restore_database")).one()
        for verdict in run.proof.verdicts if run.proof else []:
            self.story.judge(verdict.name, f"{verdict.found} (expected: {verdict.expected})", verdict.good)
        phases = run.proof.phases if run.proof else []
        told = [
            f"{phase.name} {show_duration(phase.seconds)} (document: {show_duration(phase.expected_s or 0)})"
            for phase in phases
        ]
        expected = all(phase.expected_s is not None and phase.seconds < phase.expected_s for phase in phases)
        names = tuple(phase.name for phase in phases)
        self.story.judge("phases", "; ".join(told), names == PHASES and expected)

    def ended_playbook(self) -> PlaybookRun | None:
        with self.store.read() as session:
            return session.scalar(sa.select(PlaybookRun).where(PlaybookRun.state.in_(("done", "stopped", "paused"))))
