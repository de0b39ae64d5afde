"""The application started again on its hosts, one after another, each healthy before the next.

`systemctl restart` may succeed and the service crash a second later: done is what answers as healthy, and what the load
balancer sends users to.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bot.outcome import Cancelled, Failed, Refused
from bot.policy import Application
from bot.recovery.action import Context, Facts, World
from bot.recovery.load_balancer import put_ill_first, wait_taken_back
from bot.recovery.on_hosts import open_application_hosts, run_command
from bot.systems.hosts.opening import OpenHost
from bot.systems.hosts.ssm import PERMISSIONS as HOST_PERMISSIONS
from bot.systems.probe import probe_health
from bot.systems.target_health import WAITING_PERMISSIONS as TARGET_PERMISSIONS
from bot.words import cut, show_duration

PERMISSIONS = (*HOST_PERMISSIONS, *TARGET_PERMISSIONS)
COMMAND_S = 60.0
HEALTHY_WITHIN_S = 60.0
LOOK_EVERY_S = 0.5
SAID = 300


def health_url(application: Application) -> str:
    """The health endpoint as users reach it."""
    return f"{str(application.url).rstrip('/')}{application.health_path}"


def tell_order(hosts: list[OpenHost]) -> str:
    """For a plan. Which of them are ill is seen when it begins."""
    titles = ", ".join(host.host.title for host in hosts)
    return f"One after another, ill ones first, each healthy before the next: {titles}."


def ask_starts(world: World, application: str) -> tuple[dict[str, str], dict[str, str]]:
    """Which start of its service each host is in now that answers, by which a restart is known from none; and why the
    others do not. All at once, so that one that hangs holds no other up. Raises `Failed` where none answers.
    """
    hosts = open_application_hosts(world, application)
    with ThreadPoolExecutor(max_workers=len(hosts)) as pool:
        answers = dict(zip((host.key for host in hosts), pool.map(_ask_start, hosts), strict=True))
    starts = {key: one for key, one in answers.items() if isinstance(one, str)}
    away = {key: one.reason for key, one in answers.items() if not isinstance(one, str)}
    if not starts:
        said = " ".join(f"{world.policy.hosts[key].title}: {reason}" for key, reason in away.items())
        raise Failed(f"No host answers. {said}", "", "`/dr diagnose infrastructure` looks at them.")
    return starts, away


def was_restarted(host: OpenHost, before: Mapping[str, str]) -> bool:
    """Whether its service runs, and in another start than before."""
    return _read_start(host) != before.get(host.key) and host.run("is_running", COMMAND_S).good


def restart_hosts(
    context: Context[Any], application: str, before: Mapping[str, str] | None = None,
    prepare: Callable[[OpenHost], object] = lambda host: None, hosts: list[OpenHost] | None = None,
) -> Facts:  # fmt: skip
    """Restart it where it is still in the start that it was in `before`; a host that is not was restarted already,
    perhaps before a crash. Those go first to which the load balancer sends nobody. `prepare` is done on a host first,
    and bears being done again. `hosts`: those that are meant; without it all of the application's.

    Without `before` the start counts that a host is in once it was prepared: a service that crashes and comes up by
    itself before that has not read what it is restarted for.

    Raises `Failed` where a host does not come back; those after it are not touched then.
    """
    restarted, words = list[str](), list[str]()
    with probe_health(health_url(context.world.policy.applications[application])) as client:
        wanted = open_application_hosts(context.world, application) if hosts is None else hosts
        for host in put_ill_first(context.world, wanted):
            if context.cancelled():
                done = ", ".join(restarted) or "none"
                raise Cancelled(f"Stopped before {host.host.title}. Restarted until then: {done}.")
            context.progress(f"restarting {host.host.title}")
            prepare(host)
            if not was_restarted(host, before if before is not None else _keep_start(context, host)):
                _restart_one(context, host)
            _wait_healthy(host)
            remark = wait_taken_back(context, host)
            restarted.append(host.key)
            words.append(f"{host.host.title} is healthy{f' ({remark})' if remark else ''}")
        client.wait_until_good(HEALTHY_WITHIN_S)
        gap_s = client.observe().longest_gap_s
    return {"hosts": list(restarted), "gap_s": gap_s, "words": ", ".join(words)}


def _keep_start(context: Context[Any], host: OpenHost) -> dict[str, str]:
    """It lasts, so that after a crash a host is not restarted twice."""
    label = f"{host.key}:start"
    start = context.memory.recall(label)
    if start is None:
        start = _read_start(host)
        context.memory.keep(label, start)
    return {host.key: start}


def _restart_one(context: Context[Any], host: OpenHost) -> None:
    output = run_command(context, host, "restart", COMMAND_S)
    if not output.good:
        said = cut(context.world.redactor.redact(output.said), SAID) or "it said nothing"
        raise Failed(
            f"{host.host.title} was not restarted: status {output.status}, {said}",
            "The hosts after it were not touched.", "Look at its log with `/dr diagnose application`.",
        )  # fmt: skip


def _wait_healthy(host: OpenHost) -> None:
    deadline = time.monotonic() + HEALTHY_WITHIN_S
    while time.monotonic() < deadline:
        if host.run("is_running", COMMAND_S).good and host.run("is_healthy", COMMAND_S).good:
            return
        time.sleep(LOOK_EVERY_S)
    raise Failed(
        f"{host.host.title} was restarted and is not healthy after {show_duration(HEALTHY_WITHIN_S)}.",
        "The hosts after it were not touched.", "`/dr diagnose application` shows its log.",
    )  # fmt: skip


def _ask_start(host: OpenHost) -> str | Refused | Failed:
    try:
        return _read_start(host)
    except (Refused, Failed) as trouble:
        return trouble


def _read_start(host: OpenHost) -> str:
    output = host.run("started", COMMAND_S)
    return output.text.strip() if output.good else ""
