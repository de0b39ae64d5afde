"""Are the application's processes there? (Document, Step 3: Gunicorn workers.)"""

from __future__ import annotations

from bot.diagnostics.check import Check, Surroundings
from bot.diagnostics.host_answers import HostAnswer, ask_hosts, gravest
from bot.store.documents import Finding, Suggestion
from bot.systems.hosts.command import Output
from bot.systems.hosts.opening import OpenHost
from bot.systems.hosts.ssm import PERMISSIONS
from bot.words import cut, show_count

LINE_SHOWN = 160
SHOWN = 10
NONE = 1
"""How pgrep and ps end where nothing matches."""


class ApplicationWorkers(Check):
    name = "application_workers"
    title = "Processes of the application"
    scope = "application"
    permissions = PERMISSIONS
    timeout_s = 30.0

    def run(self, surroundings: Surroundings) -> Finding:
        answers = ask_hosts(surroundings, "workers", read_workers, self.timeout_s)
        state = gravest(answers)
        restart = Suggestion(
            action="restart_application", label="Restart the application",
            parameters={"application": surroundings.settings.application},
        )  # fmt: skip
        evidence = [line for one in answers for line in (one.words, *one.evidence)]
        found = state == "critical"
        return self.finding(
            state,
            answers[0].words,
            evidence,
            [restart] if found else [],
            signs=["processes gone"] if found else [],
            normal="They run." if found else "",
        )


def read_workers(host: OpenHost, output: Output) -> HostAnswer:
    """One line for each process; none at all is what is wrong, and so it is said by the status of pgrep and ps."""
    lines = [line.strip() for line in output.text.splitlines() if line.strip() and output.status != NONE]
    if not lines:
        return HostAnswer("critical", f"{host.host.title}: no process of the application runs.")
    shown = tuple(cut(line, LINE_SHOWN) for line in lines[:SHOWN])
    return HostAnswer("ok", f"{host.host.title}: {show_count(len(lines), 'process runs', 'processes run')}.", shown)


CHECK = ApplicationWorkers()
