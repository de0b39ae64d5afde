"""Maintenance mode on hosts: a page at a path of the policy's, which their web server answers everything with.

Health is left out of it, so that who watches goes on seeing how the application is.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import requests
from pydantic import Field, JsonValue

from bot.comms.prose import Prose
from bot.outcome import Cancelled, Refused
from bot.policy import Application
from bot.recovery.action import Context, Facts, Parameters, World
from bot.recovery.on_hosts import look_with, open_application_hosts, run_program
from bot.settings import templates_dir
from bot.store.documents import Verdict
from bot.systems.hosts.opening import OpenHost
from bot.systems.web_application import ask_health

PROGRAM = "flag_file"
COMMAND_S = 60.0
ASK_S = 10.0
OWN_TEMPLATES = "HOLDFAST_TEMPLATES"


class Maintenance(Parameters):
    application: str = Field(title="Application", description="A key of the policy's applications.")


def read_flags(world: World, application: str) -> dict[str, JsonValue]:
    """Since when each host has the page, None where it has not. Raises `Refused` where the policy names none."""
    hosts = open_application_hosts(world, application)
    return {host.key: look_with(host, PROGRAM, "read", path_of(host.application))["since"] for host in hosts}


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


def remove_page(context: Context[Any], host: OpenHost) -> Facts:
    """Nothing is said where it is gone already."""
    return run_program(context, host, PROGRAM, "remove", path_of(host.application), timeout_s=COMMAND_S)


def on_each_host(context: Context[Any], change: Any) -> Facts:
    """Host by host; what was done before a crash is seen on the host."""
    done = list[str]()
    for host in open_application_hosts(context.world, context.parameters.application):
        if context.cancelled():
            raise Cancelled(f"Stopped before {host.host.title}. Done until then: {', '.join(done) or 'none'}.")
        change(context, host)
        done.append(host.host.title)
    return {"hosts": list(done), "words": ", ".join(done)}


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
    """Which host has the page and which has not."""
    flags = read_flags(world, application)
    hosts = open_application_hosts(world, application)
    told = {key: f"on since {show_since(str(since))}" if since else "off" for key, since in flags.items()}
    return "; ".join(f"{host.host.title}: {told[host.key]}" for host in hosts)
