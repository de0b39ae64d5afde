"""Error lines in the application's log, by kind. (Document, Steps 1 and 3: the last 100 and 500 lines.)"""

from __future__ import annotations

import re
import time
from collections import Counter
from datetime import datetime, timedelta

from bot.diagnostics.check import Check, Surroundings
from bot.diagnostics.error_lines import ERROR
from bot.diagnostics.host_answers import GRAVEST_FIRST, HostAnswer, ask_hosts, gravest
from bot.store.documents import Finding, FindingState
from bot.systems.hosts.command import Output
from bot.systems.hosts.opening import OpenHost
from bot.systems.hosts.ssm import PERMISSIONS
from bot.systems.redaction import Redactor
from bot.words import cut, show_count, show_duration

VARYING = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{8,}\b|[0-9]+|\"[^\"]*\"|'[^']*'", re.IGNORECASE)
"""What differs between two errors of one kind: numbers, addresses, ids, quoted values."""
NEWEST = 100
KINDS_SHOWN, LINE_SHOWN, KIND_SHOWN = 8, 300, 120
MANY = 10
YOUNG, OLD = timedelta(minutes=2), timedelta(minutes=15)
TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d")
SIGNS = (
    (r"No space left|disk full|could not extend file", "disk full"),
    (r"too many clients|connection slots|too many connections", "connections used up"),
    (r"password authentication failed|not permitted to log in", "password refused"),
    (r"read-only transaction", "read only"),
    (r"permission denied", "rights gone"),
    (r"lock timeout|deadlock", "locked"),
    (r"duplicate key", "numbers taken"),
    (r"column .* does not exist", "column gone"),
    (r"relation .* does not exist", "table gone"),
    (r"nextval: reached maximum", "numbers used up"),
    (r"Too many open files", "files used up"),
    (r"out of memory|MemoryError", "memory used up"),
)
"""What the newest error speaks of."""


class ApplicationLog(Check):
    name = "application_log"
    title = "Errors in the application's log"
    scope = "application"
    permissions = PERMISSIONS
    timeout_s = 30.0

    def run(self, surroundings: Surroundings) -> Finding:
        redactor = Redactor(surroundings.environment, surroundings.policy.secrets)
        written_at: dict[str, float] = {}
        answers = ask_hosts(
            surroundings, "log_written", lambda host, output: read_written(host, output, written_at), self.timeout_s / 2
        )
        answers += ask_hosts(
            surroundings, "newest_log",
            lambda host, output: read_log(host, output, redactor, silence_of(written_at.get(host.key))),
            self.timeout_s / 2,
        )  # fmt: skip
        answers.sort(key=lambda one: GRAVEST_FIRST.index(one.state))
        evidence = [line for one in answers for line in (one.words, *one.evidence)]
        state = gravest(answers)
        told = [answers[0].words, *answers[0].evidence[:1]] if state in ("critical", "warning") else [answers[0].words]
        return self.finding(state, " ".join(told), evidence, signs=list(answers[0].signs))


def silence_of(written_at: float | None) -> timedelta:
    """For how long nothing was written into a log, by its time in seconds since 1970; none where that is not known."""
    return timedelta(seconds=max(0.0, time.time() - written_at)) if written_at else timedelta(0)


def read_log(host: OpenHost, output: Output, redactor: Redactor, silence: timedelta = timedelta(0)) -> HostAnswer:
    """Counted over all that was read and over the newest hundred lines, with the newest error itself.

    `silence`: for how long nothing was written. What the newest error speaks of is a sign only while it is young.
    """
    title = host.host.title
    if not output.good:
        said = cut(redactor.redact(output.said), LINE_SHOWN)
        return HostAnswer("unknown", f"{title}: the log cannot be read: {said}")
    lines = output.text.splitlines()
    errors = [line for line in lines if ERROR.search(line)]
    if not errors:
        return HostAnswer("ok", f"{title}: no errors in the newest {show_count(len(lines), 'line')}.")
    kinds = Counter(kind_of(redactor.redact(line)) for line in errors)
    counted = [f"{show_count(count, 'time')} {kind}" for kind, count in kinds.most_common(KINDS_SHOWN)]
    last = f"Newest: {cut(redactor.redact(errors[-1]), LINE_SHOWN)}"
    words = f"{title}: {show_count(len(errors), 'error')} in the newest {show_count(len(lines), 'line')}"
    age = _age_of_newest(lines, errors[-1])
    quiet = silence if age is None else silence + age
    if age is not None and age > OLD:
        old = f"{words}, the last of them {show_duration(age)} before the newest line: it is over."
        return HostAnswer("ok", old, (last, *counted))
    newest = sum(1 for line in lines[-NEWEST:] if ERROR.search(line))
    state: FindingState = "critical" if newest >= MANY else "warning"
    words = f"{words}, {newest} of them in the newest {NEWEST}"
    if quiet > YOUNG:
        words = f"{words}, none for {show_duration(quiet)}."
        return HostAnswer("warning", words, (last, *counted), signs=("errors logged",))
    return HostAnswer(state, f"{words}.", (last, *counted), signs=(_sign_of(errors[-1]), "errors logged"))


def read_written(host: OpenHost, output: Output, written_at: dict[str, float]) -> HostAnswer:
    """Whether the log is there at all; how old the last line is, is told, and normal where nobody works at night.

    When it was written goes into `written_at`, by the host's key.
    """
    parts = output.text.split()
    if not output.good or len(parts) != 2 or not all(part.isdigit() for part in parts):
        return HostAnswer("warning", f"{host.host.title}: the log is not there: {cut(output.said, LINE_SHOWN)}",
                          signs=("log lost",))  # fmt: skip
    written, size = int(parts[0]), int(parts[1])
    written_at[host.key] = float(written)
    age = show_duration(max(0.0, time.time() - written))
    if size == 0:
        return HostAnswer("warning", f"{host.host.title}: the log is empty; it was touched {age} ago.",
                          signs=("log lost",))  # fmt: skip
    return HostAnswer("ok", f"{host.host.title}: the log was written {age} ago.")


def _age_of_newest(lines: list[str], error: str) -> timedelta | None:
    """How long before the newest line that has a time the error was; None where the lines have none."""
    moments = [moment for line in reversed(lines) if (moment := _read_time(line))]
    at = _read_time(error)
    return moments[0] - at if moments and at else None


def _read_time(line: str) -> datetime | None:
    found = TIME.search(line)
    try:
        return datetime.fromisoformat(found[0].replace(" ", "T")) if found else None
    except ValueError:
        return None


def _sign_of(line: str) -> str:
    return next((sign for pattern, sign in SIGNS if re.search(pattern, line, re.IGNORECASE)), "errors logged")


def kind_of(line: str) -> str:
    """What an error line has in common with others of its kind: the text from the level on, without what varies."""
    found = ERROR.search(line)
    said = line[found.start() :] if found else line
    return cut(VARYING.sub("…", said), KIND_SHOWN)


CHECK = ApplicationLog()
