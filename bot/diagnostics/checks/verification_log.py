"""Do new errors come into the application's log? Watches for a while. (Document, Step 6: monitor for errors.)"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from bot.diagnostics.check import Check, Surroundings
from bot.diagnostics.error_lines import ERROR, list_new
from bot.diagnostics.host_answers import HostAnswer, ask_hosts, gravest
from bot.store.documents import Finding
from bot.systems.hosts.command import Output
from bot.systems.hosts.opening import OpenHost
from bot.systems.hosts.ssm import PERMISSIONS
from bot.systems.redaction import Redactor
from bot.words import cut, show_count, show_duration

COMMAND_S = 30.0
LONGEST = timedelta(minutes=5)
LINE_SHOWN, SHOWN = 300, 5


class VerificationLog(Check):
    name = "verification_log"
    title = "No new errors in the log"
    scope = "verification"
    on_demand = True
    permissions = PERMISSIONS
    timeout_s = LONGEST.total_seconds() + 2 * COMMAND_S

    def run(self, surroundings: Surroundings) -> Finding:
        verification = surroundings.policy.applications[surroundings.settings.application].verification
        quiet_for = min(verification.quiet_for, LONGEST) if verification else timedelta(0)
        watch = _watcher(quiet_for, Redactor(surroundings.environment, surroundings.policy.secrets))
        answers = ask_hosts(surroundings, "newest_log", watch, COMMAND_S)
        evidence = [line for one in answers for line in (one.words, *one.evidence)]
        return self.finding(gravest(answers), answers[0].words, evidence)


def _watcher(quiet_for: timedelta, redactor: Redactor) -> Callable[[OpenHost, Output], HostAnswer]:
    def watch(host: OpenHost, first: Output) -> HostAnswer:
        """The end of the log as it was, a while, and what has come since."""
        time.sleep(quiet_for.total_seconds())
        return compare_logs(host.host.title, first, host.run("newest_log", COMMAND_S), quiet_for, redactor)

    return watch


def compare_logs(title: str, first: Output, second: Output, quiet_for: timedelta, redactor: Redactor) -> HostAnswer:
    """Errors among the lines that are new."""
    if not first.good or not second.good:
        return HostAnswer(
            "unknown", f"{title}: the log cannot be read: {cut(redactor.redact(second.said), LINE_SHOWN)}"
        )
    new = list_new(first.text.splitlines(), second.text.splitlines())
    errors = [cut(redactor.redact(line), LINE_SHOWN) for line in new if ERROR.search(line)]
    within = show_duration(quiet_for)
    if errors:
        return HostAnswer(
            "critical", f"{title}: {show_count(len(errors), 'new error')} within {within}.", tuple(errors[-SHOWN:])
        )
    return HostAnswer("ok", f"{title}: no new errors within {within}, {show_count(len(new), 'new line')}.")


CHECK = VerificationLog()
