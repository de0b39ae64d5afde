"""Asking checks: all at once, each with its own limit; whatever breaks or hangs is an answer too."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import psycopg

from bot.diagnostics.check import NO_WAY_IN, Check, Surroundings
from bot.outcome import Failed, Refused
from bot.store.documents import Finding
from bot.systems.row_values import explain

log = logging.getLogger(__name__)

GRACE_S = 2.0
TOGETHER_S = 0.3
APART_S = 0.01
"""One begins so long after another. Each computes before it waits for an answer: all at once would keep every other
thread of the bot waiting, and none of them would be any sooner."""
LOCKED = "A lock that another session holds is in the way."
NOT_SEEN = "Not to be seen while the database cannot be reached."


class Asking:
    """Every check at every place it is asked at, side by side. It begins when it is made."""

    def __init__(self, checks: list[Check], places: list[Surroundings], within_s: float = float("inf")) -> None:
        """Whoever has not answered when `within_s` are over is unknown as well."""
        self.within_s = within_s
        self._began = time.monotonic()
        near_first = sorted(checks, key=lambda check: bool(check.permissions))  # the cloud's clients take their time
        asked = [(check, place) for check in near_first for place in (places[:1] if check.once else places)]
        self._pool = ThreadPoolExecutor(max_workers=max(1, len(asked)), thread_name_prefix="check")
        self._waiting: dict[Future[Finding], tuple[Check, Surroundings]] = {
            self._pool.submit(_ask_later, number * APART_S, check, place): (check, place)
            for number, (check, place) in enumerate(asked)
        }

    @property
    def looking(self) -> list[str]:
        """Titles of those that have not answered yet."""
        return list(dict.fromkeys(check.title for check, _ in self._waiting.values()))

    def batches(self) -> Iterator[list[Finding]]:
        """Findings as they come, a hanging check as unknown; what comes at about the same time comes together, since
        each batch is a change of the message."""
        while self._waiting:
            longest_s = min(self.within_s, max(check.timeout_s for check, _ in self._waiting.values()) + GRACE_S)
            limit_s = max(0.0, longest_s - (time.monotonic() - self._began))
            answered, _ = wait(self._waiting, timeout=limit_s, return_when=FIRST_COMPLETED)
            if not answered:
                hanging, self._waiting = self._waiting, {}
                yield [_overdue(check, place) for check, place in hanging.values()]
                break
            answered, _ = wait(self._waiting, timeout=TOGETHER_S)
            yield [future.result() for future in answered if self._waiting.pop(future, None)]
        self._pool.shutdown(wait=False, cancel_futures=True)


def ask_all(checks: list[Check], places: list[Surroundings]) -> Iterator[Finding]:
    """The findings alone, as they come."""
    for batch in Asking(checks, places).batches():
        yield from batch


def _ask_later(wait_s: float, check: Check, place: Surroundings) -> Finding:
    time.sleep(wait_s)
    return ask(check, place)


def ask(check: Check, place: Surroundings) -> Finding:
    """One check's answer; what went wrong in it is an answer too. Whatever it saw, no secret is in it."""
    began = time.monotonic()
    try:
        finding = check.run(place)
    except NO_WAY_IN as error:
        finding = _without_way_in(check, error)
    except psycopg.errors.LockNotAvailable:
        finding = check.finding("unknown", f"{LOCKED} See the locks.", signs=["locked"])
    except psycopg.errors.QueryCanceled:
        finding = check.finding("unknown", f"The server did not answer the question within {check.timeout_s:.0f} s.")
    except psycopg.errors.InsufficientPrivilege as error:
        finding = check.finding("unknown", f"The bot's role may not look: {_first_line(error)}.")
    except psycopg.Error as error:
        finding = check.finding("unknown", f"The server broke off: {_first_line(error)}.")
    except (Refused, Failed) as error:
        finding = check.finding("critical", error.words)
    except Exception as error:  # the boundary of this surface: one broken check must not silence the others
        log.exception("check %s failed", check.name)
        finding = check.finding("unknown", f"The check itself failed: {type(error).__name__}: {error}")
    subject = "" if check.once else place.database
    return redact_finding(finding, place).model_copy(update={"took_s": time.monotonic() - began, "subject": subject})


def redact_finding(finding: Finding, place: Surroundings) -> Finding:
    """Without what a log line, a query, a process or an error had in it; what is suggested stays as it is.

    The evidence is read as a whole: a private key goes over many lines.
    """
    shown = place.redactor.redact_all(finding.model_dump(mode="json", exclude={"suggests", "evidence"}))
    evidence = place.redactor.redact("\n".join(finding.evidence)).split("\n") if finding.evidence else []
    return Finding.model_validate({**dict(shown), "evidence": evidence, "suggests": finding.suggests})  # type: ignore[arg-type]


def _without_way_in(check: Check, error: Refused | Failed) -> Finding:
    """Said once by those whose business it is; the others would only drown it."""
    if check.tells_of_no_way_in or check.scope != "database":
        return check.finding("critical", error.words)
    return check.finding("unknown", NOT_SEEN)


def _first_line(error: psycopg.Error) -> str:
    return explain(error).strip().partition("\n")[0].rstrip(".")


def _overdue(check: Check, place: Surroundings) -> Finding:
    finding = check.finding("unknown", f"No answer within {check.timeout_s:.0f} s.", signs=["hangs"])
    return finding.model_copy(update={"subject": "" if check.once else place.database, "took_s": check.timeout_s})
