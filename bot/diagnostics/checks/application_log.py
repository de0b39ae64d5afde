"""Error lines in the application's log, by kind. (Document, Steps 1 and 3: the last 100 and 500 lines.)"""

from __future__ import annotations

import re
from collections import Counter

from bot.diagnostics.check import Check, Surroundings
from bot.diagnostics.error_lines import ERROR
from bot.diagnostics.host_answers import HostAnswer, ask_hosts, gravest
from bot.store.documents import Finding, FindingState
from bot.systems.hosts.command import Output
from bot.systems.hosts.opening import OpenHost
from bot.systems.hosts.ssm import PERMISSIONS
from bot.systems.redaction import Redactor
from bot.words import cut

VARYING = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{8,}\b|[0-9]+|\"[^\"]*\"|'[^']*'", re.IGNORECASE)
"""What differs between two errors of one kind: numbers, addresses, ids, quoted values."""
NEWEST = 100
KINDS_SHOWN, LINE_SHOWN, KIND_SHOWN = 8, 300, 120
MANY = 10


class ApplicationLog(Check):
    name = "application_log"
    title = "Errors in the application's log"
    scope = "application"
    permissions = PERMISSIONS
    timeout_s = 30.0

    def run(self, surroundings: Surroundings) -> Finding:
        redactor = Redactor(surroundings.environment, surroundings.policy.secrets)
        answers = ask_hosts(
            surroundings, "newest_log", lambda host, output: read_log(host, output, redactor), self.timeout_s
        )
        evidence = [line for one in answers for line in (one.words, *one.evidence)]
        return self.finding(gravest(answers), answers[0].words, evidence)


def read_log(host: OpenHost, output: Output, redactor: Redactor) -> HostAnswer:
    """Counted over all that was read and over the newest hundred lines, with the newest error itself."""
    title = host.host.title
    if not output.good:
        said = cut(redactor.redact(output.said), LINE_SHOWN)
        return HostAnswer("unknown", f"{title}: the log cannot be read: {said}")
    lines = output.text.splitlines()
    errors = [line for line in lines if ERROR.search(line)]
    newest = sum(1 for line in lines[-NEWEST:] if ERROR.search(line))
    if not errors:
        return HostAnswer("ok", f"{title}: no errors in the newest {len(lines)} lines.")
    state: FindingState = "critical" if newest >= MANY else "warning"
    kinds = Counter(kind_of(redactor.redact(line)) for line in errors)
    counted = [f"{count} times {kind}" for kind, count in kinds.most_common(KINDS_SHOWN)]
    last = f"Newest: {cut(redactor.redact(errors[-1]), LINE_SHOWN)}"
    words = f"{title}: {len(errors)} errors in the newest {len(lines)} lines, {newest} of them in the newest {NEWEST}."
    return HostAnswer(state, words, (last, *counted))


def kind_of(line: str) -> str:
    """What an error line has in common with others of its kind: the text from the level on, without what varies."""
    found = ERROR.search(line)
    said = line[found.start() :] if found else line
    return cut(VARYING.sub("…", said), KIND_SHOWN)


CHECK = ApplicationLog()
