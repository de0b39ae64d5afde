"""The document's Scenario 2 without a person: a server dies, and another takes its place."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from bot.sandbox.actor import wait_for
from bot.sandbox.headless import WORK_LIMIT_S, Play
from bot.store.tables import PlaybookRun
from bot.words import show_duration

LEAST_PHASES = ("launch", "deployment", "configuration", "database connection", "validation")


class ServerPlay(Play):
    """Declare, diagnose, the playbook with its one approval, the proof with its phases, the post-mortem."""

    title = "A server does not answer"
    category = "infrastructure"
    impact = "Half of the scanners wait"
    resolution = "Another server is in its place."

    def parts(self) -> tuple[Callable[[], None], ...]:
        return self.break_it, self.declare, self.diagnose, self.replace, self.verify, self.resolve

    def break_it(self) -> None:
        with self.story.act(f"break: {self.story.scenario}") as words:
            words.append(self.sandbox.stage.pull(self.story.scenario))
            wait_for("the load balancer's notice", self._is_noticed, 30)
        self.story.judge("really broken", "one server is ill for the load balancer", good=True)

    def diagnose(self) -> None:
        with self.story.act("diagnose") as words:
            self.devops.type_command(self.channel, "/dr", "diagnose infrastructure")
            sweep = wait_for("the diagnosis", self.finished_sweep, 60)
            words.extend(f"{one.state}: {one.summary}" for one in sweep.findings if one.state != "ok")
        found = any(one.state in ("critical", "warning") and "healthy" in one.summary for one in sweep.findings)
        self.story.judge("diagnosis", "; ".join(words) or "found nothing", found)

    def replace(self) -> None:
        with self.story.act("playbook: plan"):
            self.devops.type_command(self.channel, "/dr", "playbook server_failure")
            wait_for("the plan", lambda: self.saying("Replace Application server 1: pending"), 60)
        with self.story.act("approve by one"):
            self.coordinator.press(self.channel, "plan.approve")
            self.coordinator.submit(self.coordinator.wait_for_form())
        with self.story.act("launch, deploy, configure, start, register, retire") as words:
            run = self.finished_run(1)
            words.append(run.words)
        self.story.judge("run", f"{run.state}. {run.words}", run.state == "done")
        for verdict in run.proof.verdicts if run.proof else []:
            self.story.judge(verdict.name, f"{verdict.found} (expected: {verdict.expected})", verdict.good)
        phases = run.proof.phases if run.proof else []
        told = [
            f"{phase.name} {show_duration(phase.seconds)} (document: {show_duration(phase.expected_s)})"
            for phase in phases
            if phase.expected_s is not None
        ]
        good = set(LEAST_PHASES) <= {phase.name for phase in phases}
        self.story.judge("phases", "; ".join(told), good)
        self.devops.press(self.channel, "playbook.done")
        ended = wait_for("the end of the playbook", self._ended_playbook, WORK_LIMIT_S)
        self.story.judge("playbook", f"{ended.state} {ended.words}".strip(), ended.state == "done")

    def verify(self) -> None:
        fleet = self.sandbox.stage.fleet
        members = fleet.list_states() if fleet else {}
        healthy = [name for name, state in members.items() if state == "healthy"]
        self.story.judge(
            "load balancer", f"{len(healthy)} healthy of {len(members)}", len(healthy) == len(members) == 2
        )
        super().verify()

    def _is_noticed(self) -> bool | None:
        fleet = self.sandbox.stage.fleet
        return (fleet is not None and "unhealthy" in fleet.list_states().values()) or None

    def _ended_playbook(self) -> PlaybookRun | None:
        with self.store.read() as session:
            return session.scalar(sa.select(PlaybookRun).where(PlaybookRun.state.in_(("done", "stopped", "paused"))))
