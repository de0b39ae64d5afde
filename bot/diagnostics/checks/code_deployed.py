"""Which release runs on each host, since when, and did the trouble come with it? (Document: Code Rollback.)"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import Point, PointCheck
from bot.outcome import Failed, Refused
from bot.store.documents import Suggestion
from bot.systems.hosts.opening import OpenHost
from bot.systems.hosts.releases import Answer, is_astray, read_releases
from bot.systems.hosts.ssm import PERMISSIONS
from bot.words import show_duration

SUSPECT = timedelta(hours=2)
"""What was deployed so long before an incident may have caused it."""


class CodeDeployed(PointCheck):
    name = "code_deployed"
    title = "Code on the hosts"
    scope = "code"
    permissions = PERMISSIONS
    timeout_s = 30.0
    once = False

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        hosts = surroundings.hosts()
        if not hosts:
            yield Point("unknown", "The policy names no host of the application (`hosts`).")
            return
        with ThreadPoolExecutor(max_workers=len(hosts)) as pool:
            answers = list(zip(hosts, pool.map(_read, hosts), strict=True))
        for host, seen in answers:
            if isinstance(seen, dict):
                yield judge_host(host, seen, surroundings.began, surroundings.now())
            else:
                yield Point("unknown", f"{host.host.title}: {seen.reason}")
        found = {str(seen["current"] or _plain_of(seen)) for _, seen in answers if isinstance(seen, dict)}
        if len(found) > 1:
            yield Point("warning", f"The hosts do not run the same: {', '.join(sorted(found))}.",
                        signs=("new release",))  # fmt: skip


def judge_host(host: OpenHost, seen: Answer, began: datetime | None, now: datetime) -> Point:
    """`began`: when the incident did, if there is one."""
    title, current = host.host.title, seen["current"]
    if current is None:
        return Point("ok", f"{title} runs {_plain_of(seen)}, put there before there were releases.")
    since = datetime.fromisoformat(str(seen["since"]))
    age = f"{title} has {describe(seen)}, for {show_duration(max(0.0, (now - since).total_seconds()))}"
    if is_astray(seen):
        folder = f"{host.application.install_folder}/current"
        return Point("warning", f"{age}, but nothing works in it: let the service start in {folder}.")
    if seen["previous"] and began is not None and timedelta(0) <= began - since <= SUSPECT:  # the first is no change
        back = Suggestion(
            action="roll_back_code", label="Roll back the code", parameters={"application": host.host.application}
        )
        before = show_duration((began - since).total_seconds())
        return Point("warning", f"{age}: deployed {before} before the trouble began.", (back,), ("new release",))
    return Point("ok", f"{age}.")


def describe(seen: Answer) -> str:
    """The current release, with its first tag."""
    releases = seen["releases"]
    assert isinstance(releases, list)
    tags = next((one.get("tags") for one in releases if isinstance(one, dict) and one["name"] == seen["current"]), None)
    return f"{tags[0]} ({seen['current']})" if isinstance(tags, list) and tags else str(seen["current"])


def _plain_of(seen: Answer) -> str:
    plain = seen["plain"]
    return str(plain["name"]) if isinstance(plain, dict) else "no code that could be found"


def _read(host: OpenHost) -> Answer | Refused | Failed:
    try:
        return read_releases(host)
    except (Refused, Failed) as trouble:
        return trouble


CHECK = CodeDeployed()
