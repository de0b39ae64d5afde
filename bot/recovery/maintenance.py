"""Maintenance mode on hosts: a page at a path of the policy's, which their web server answers everything with.

Health is left out of it, so that who watches goes on seeing how the application is.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
from pydantic import JsonValue

from bot.comms.prose import Prose
from bot.outcome import Cancelled, Failed, Refused
from bot.policy import Application
from bot.recovery.action import Context, Facts, World
from bot.recovery.on_hosts import look_with, open_application_hosts, run_program
from bot.settings import templates_dir
from bot.store.documents import Verdict
from bot.systems.hosts.opening import OpenHost
from bot.systems.web_application import ask_health

PROGRAM = "flag_file"
COMMAND_S = 60.0
ASK_S = 10.0
OWN_TEMPLATES = "HOLDFAST_TEMPLATES"


def ask_flags(world: World, application: str) -> tuple[dict[str, JsonValue], dict[str, str]]:
    """Since when each host that answers has the page, None where it has not; and by title why the others do not answer.

    One that is down must be in the way of no other. Raises `Refused` where the policy names no page.
    """
    flags, silent = dict[str, JsonValue](), dict[str, str]()
    for host in open_application_hosts(world, application):
        path = path_of(host.application)
        try:
            flags[host.key] = look_with(host, PROGRAM, "read", path)["since"]
        except (Refused, Failed) as error:
            silent[host.host.title] = error.reason
    return flags, silent


def tell_unasked(silent: Mapping[str, str]) -> str:
    """Who did not answer, as an addition to what the others said."""
    return f" Not asked: {'; '.join(f'{title}, {why}' for title, why in silent.items())}" if silent else ""


def show_since(moment: str) -> str:
    """What a flag says, for people."""
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M} UTC"


def path_of(application: Application) -> str:
    if application.maintenance_file is None:
        raise Refused(
            f"The policy names no maintenance page of {application.title}.",
            "Let the web server look for one, and name it as `maintenance_file` (docs/policy.md).",
        )
    return application.maintenance_file


def put_page(context: Context[Any], host: OpenHost) -> Facts:
    """The page, unless it is there already."""
    page = render_page(context.world, host.application)
    return run_program(context, host, PROGRAM, "put", path_of(host.application), page, timeout_s=COMMAND_S)


def carry_page(context: Context[Any], host: OpenHost, others: list[OpenHost]) -> bool:
    """Put the page on a host that is new, where another of the application's has it: users are kept off all of them.

    One that does not answer has no say.
    """
    path = host.application.maintenance_file
    if path is None or not any(_has_page(other, path) for other in others):
        return False
    put_page(context, host)
    return True


def keeps_users_out(world: World, application: str) -> bool:
    """Whether a host that answers has the page."""
    if world.policy.applications[application].maintenance_file is None:
        return False
    try:
        flags, _ = ask_flags(world, application)
    except (Refused, Failed):
        return False
    return any(flags.values())


def remove_page(context: Context[Any], host: OpenHost) -> Facts:
    """Nothing is said where it is gone already."""
    return run_program(context, host, PROGRAM, "remove", path_of(host.application), timeout_s=COMMAND_S)


def on_each_host(
    context: Context[Any], change: Callable[[Context[Any], OpenHost], Facts], spared: Container[str] | None = None
) -> Facts:
    """Host by host; what was done before a crash is seen on the host.

    That one of `spared`, titles, does not answer is told and no more; None spares every one. Raises `Failed` where no
    host was left.
    """
    done, silent = list[str](), list[str]()
    for host in open_application_hosts(context.world, context.parameters.application):
        if context.cancelled():
            raise Cancelled(f"Stopped before {host.host.title}. Done until then: {', '.join(done) or 'none'}.")
        try:
            change(context, host)
        except (Refused, Failed) as error:
            if spared is not None and host.host.title not in spared:
                raise
            silent.append(f"{host.host.title} ({error.reason})")
        else:
            done.append(host.host.title)
    if not done:
        raise Failed(f"It was done nowhere: {'; '.join(silent)}", "The hosts are as they were.", "Try again.")
    left = f"; NOT on {', '.join(silent)}" if silent else ""
    return {"hosts": list(done), "words": f"{', '.join(done)}{left}"}


def tell_silent(observed: Facts) -> list[str]:
    """For a plan: which hosts do not answer, and why."""
    silent = observed["silent"]
    assert isinstance(silent, dict)
    return [f"{title} does not answer and is left as it is: {why}" for title, why in silent.items()]


def render_page(world: World, application: Application) -> str:
    """`templates/maintenance/page.html`, the operator's own where there is one. Nothing in it was typed in a chat."""
    own = world.environment.get(OWN_TEMPLATES)
    prose = Prose(templates_dir(), Path(own) if own else None)
    status_page = world.policy.channels.status_page_url or ""
    return prose.html("maintenance/page.html", title=application.title, status_page=status_page)


def judge_health(application: Application) -> Verdict:
    health = ask_health(f"{str(application.url).rstrip('/')}{application.health_path}", application.health_expect)
    return Verdict(name="Health", expected="answers as ever", found=health.words, good=health.good)


def ask_as_user(application: Application) -> tuple[int | None, bool]:
    """The status of the first page that a user would see, and whether it says when to come back."""
    try:
        answer = requests.get(f"{str(application.url).rstrip('/')}/", timeout=ASK_S, allow_redirects=False)
    except requests.RequestException:
        return None, False
    return answer.status_code, "Retry-After" in answer.headers


def tell_flags(world: World, application: str) -> str:
    """Which host has the page and which has not, and how users come in again where one has."""
    flags, silent = ask_flags(world, application)
    titles = {host.key: host.host.title for host in open_application_hosts(world, application)}
    said = [
        f"{titles[key]}: {f'on since {show_since(str(since))}' if since else 'off'}" for key, since in flags.items()
    ]
    said += [f"{title}: not known, {reason}" for title, reason in silent.items()]
    ends = " `/dr plan maintenance_off` ends it." if any(flags.values()) else ""
    return f"{'; '.join(said)}.{ends}"


def _has_page(host: OpenHost, path: str) -> bool:
    try:
        return look_with(host, PROGRAM, "read", path)["since"] is not None
    except (Refused, Failed):
        return False
