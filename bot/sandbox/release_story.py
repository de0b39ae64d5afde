"""A bad release without a person: deployed, noticed by what it came with, and rolled back host by host."""

from __future__ import annotations

from collections.abc import Callable

from bot.sandbox.actor import wait_for
from bot.sandbox.children import http_answers
from bot.sandbox.headless import Play


class ReleasePlay(Play):
    """Break, declare, diagnose, roll back with its one approval, the proof, the post-mortem."""

    title = "The dashboard fails"
    category = "application"
    impact = "Nobody sees how many bags there are"
    resolution = "The release from before runs again."

    def parts(self) -> tuple[Callable[[], None], ...]:
        return self.break_it, self.declare, self.diagnose, self.roll_back, self.verify, self.resolve

    def break_it(self) -> None:
        with self.story.act(f"break: {self.story.scenario}") as words:
            words.append(self.sandbox.stage.pull(self.story.scenario))
        good, healthy = self._answers("/api/stats"), self._answers("/health")
        self.story.judge(
            "really broken", f"figures {'answer' if good else 'fail'}, health is {'good' if healthy else 'bad'}",
            good=healthy and not good,
        )  # fmt: skip

    def diagnose(self) -> None:
        with self.story.act("diagnose") as words:
            self.devops.type_command(self.channel, "/dr", "diagnose all")
            sweep = wait_for("the diagnosis", self.finished_sweep, 60)
            words.extend(f"{one.state}: {one.summary}" for one in sweep.findings if one.state != "ok")
        suggested = {one.action for finding in sweep.findings for one in finding.suggests}
        self.story.judge("diagnosis", "; ".join(words) or "found nothing", "roll_back_code" in suggested)

    def roll_back(self) -> None:
        with self.story.act("plan"):
            self.devops.press(self.channel, "action.open:roll_back_code")
            wait_for("the plan", lambda: self.saying("Roll back to v1.2.0"), 60)
        with self.story.act("approve by one"):
            self.coordinator.press(self.channel, "plan.approve")
            self.coordinator.submit(self.coordinator.wait_for_form())
        with self.story.act("switch and restart host by host") as words:
            run = self.finished_run(1)
            words.append(run.words)
        self.story.judge("run", f"{run.state}. {run.words}", run.state == "done")
        for verdict in run.proof.verdicts if run.proof else []:
            self.story.judge(verdict.name, f"{verdict.found} (expected: {verdict.expected})", verdict.good)

    def verify(self) -> None:
        self.story.judge("figures are back", "asked as users do", self._answers("/api/stats"))
        super().verify()

    def _answers(self, path: str) -> bool:
        return http_answers(f"{self.sandbox.stage.warehouse_url}{path}", timeout_s=5)
