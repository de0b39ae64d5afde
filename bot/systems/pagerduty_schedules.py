"""Who is on call by a PagerDuty schedule (REST API v2: List all of the on-calls)."""

from __future__ import annotations

from bot.systems.schedules import ScheduleUnavailable, ask

API_URL = "https://api.pagerduty.com"


def list_on_call(schedule: str, api_key: str, api_url: str = API_URL) -> list[str]:
    """E-mail addresses of those on call now, the first level first. Raises `ScheduleUnavailable`."""
    body = ask(
        "PagerDuty",
        f"{api_url.rstrip('/')}/oncalls",
        {"Authorization": f"Token token={api_key}", "Accept": "application/vnd.pagerduty+json;version=2"},
        {"schedule_ids[]": schedule, "include[]": "users", "earliest": "true"},
    )
    try:
        found = sorted(body["oncalls"], key=lambda one: int(one["escalation_level"]))
        # A schedule is listed once for each escalation policy that uses it.
        return list(dict.fromkeys(str(one["user"]["email"]) for one in found if one["user"].get("email")))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ScheduleUnavailable("PagerDuty answered something unexpected") from error
