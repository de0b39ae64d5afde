"""Who is on call for a role: by a schedule elsewhere, by the policy's rota, else the first who holds the role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Lock
from zoneinfo import ZoneInfo

from bot.clock import Clock, utc_now
from bot.policy import Person, Policy, Rota
from bot.systems import opsgenie_schedules, pagerduty_schedules
from bot.systems.schedules import ScheduleUnavailable

FRESH = timedelta(minutes=1)


@dataclass(frozen=True)
class Duty:
    """Who is on call for a role, nobody where the policy has nobody; how that is known, in words."""

    role: str
    person: Person | None
    source: str
    trouble: str = ""
    """Why the schedule elsewhere was not used; empty where it was, or where there is none."""


class OnCall:
    """Knows who is on call. A schedule elsewhere is asked at most once a minute, whether it answers or not."""

    def __init__(self, policy: Policy, environment: Mapping[str, str], clock: Clock = utc_now) -> None:
        self.policy, self.environment, self.clock = policy, environment, clock
        self._known: dict[str, tuple[datetime, Duty]] = {}
        self._lock = Lock()

    def find(self, role: str) -> Duty:
        """Who is on call for a role now. May wait for the schedule elsewhere: never inside a transaction."""
        rota = self.policy.on_call.get(role)
        if rota is None or not rota.is_elsewhere:
            return self.find_at_hand(role)
        with self._lock:
            at, duty = self._known.get(role, (None, None))
        now = self.clock()
        if at is None or duty is None or not at <= now < at + FRESH:
            duty = self._ask(role, rota)
            with self._lock:
                self._known[role] = (now, duty)
        return duty

    def find_at_hand(self, role: str) -> Duty:
        """Who is on call by what the policy itself says."""
        rota = self.policy.on_call.get(role)
        key = find_turn(rota, self.clock(), self.policy.zone) if rota else None
        person = self.policy.person(key) if key else None
        if person:
            return Duty(role, person, "by the policy's rota")
        first = next(iter(self.policy.holders_of(role)), None)
        return Duty(role, first, "the first who holds the role" if first else "nobody in the policy holds the role")

    def list_all(self) -> list[Duty]:
        """For every role of the policy."""
        return self.find_each(self.policy.roles)

    def find_each(self, roles: Iterable[str]) -> list[Duty]:
        """Like `find` for several roles; schedules elsewhere are asked side by side."""
        with ThreadPoolExecutor(max_workers=8) as pool:
            return list(pool.map(self.find, roles))

    def _ask(self, role: str, rota: Rota) -> Duty:
        try:
            emails = self._list_emails(rota)
        except ScheduleUnavailable as error:
            return replace(self.find_at_hand(role), trouble=str(error))
        vendor = "PagerDuty" if rota.pagerduty_schedule else "Opsgenie"
        found = [person for email in emails if (person := self.policy.person_by_email(email))]
        if found:
            return Duty(role, found[0], f"by the schedule in {vendor}")
        whom = f"names {', '.join(emails)}, who is not in the policy" if emails else "has nobody on call now"
        return replace(self.find_at_hand(role), trouble=f"the schedule in {vendor} {whom}")

    def _list_emails(self, rota: Rota) -> list[str]:
        key = self.environment.get(rota.api_key_env or "")
        if not key:
            raise ScheduleUnavailable(f"{rota.api_key_env} is not set in the bot's environment")
        if rota.pagerduty_schedule:
            address = rota.api_url or pagerduty_schedules.API_URL
            return pagerduty_schedules.list_on_call(rota.pagerduty_schedule, key, address)
        return opsgenie_schedules.list_on_call(
            rota.opsgenie_schedule or "", key, rota.api_url or opsgenie_schedules.API_URL
        )


def find_turn(rota: Rota, now: datetime, zone: ZoneInfo) -> str | None:
    """The key of whose turn it is; None where the rota names nobody. Turns change at the same local time all year."""
    if not rota.people or rota.shift is None or rota.starts is None:
        return next(iter(rota.people), None)
    starts, shift = datetime.fromisoformat(rota.starts), rota.shift

    def begin(turn: int) -> datetime:
        """When a turn begins; of a local time that comes twice, the first."""
        return (starts + turn * shift).replace(tzinfo=zone).astimezone(UTC)

    turn = (now.astimezone(zone).replace(tzinfo=None) - starts) // shift
    while begin(turn) > now:
        turn -= 1
    while begin(turn + 1) <= now:
        turn += 1
    return rota.people[turn % len(rota.people)]
