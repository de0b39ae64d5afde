"""Who is on call by an Opsgenie schedule (Who is on call API: Get On Calls)."""

from __future__ import annotations

from urllib.parse import quote

from bot.systems.schedules import ScheduleUnavailable, ask

API_URL = "https://api.opsgenie.com"


def list_on_call(schedule: str, api_key: str, api_url: str = API_URL) -> list[str]:
    """E-mail addresses, which are Opsgenie's user names, of those on call now. Raises `ScheduleUnavailable`."""
    body = ask(
        "Opsgenie",
        f"{api_url.rstrip('/')}/v2/schedules/{quote(schedule, safe='')}/on-calls",
        {"Authorization": f"GenieKey {api_key}"},
        {"scheduleIdentifierType": "name", "flat": "true"},
    )
    try:
        return [str(one) for one in body["data"]["onCallRecipients"]]
    except (KeyError, TypeError) as error:
        raise ScheduleUnavailable("Opsgenie answered something unexpected") from error
