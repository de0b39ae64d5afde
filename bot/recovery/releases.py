"""Releases on hosts: folders below the application's, one of which `current` leads to. (Document: Application Code.)

What is done on a host is done by the programs of `systems/hosts/programs`, each of which may be run again.
"""

from __future__ import annotations

import time
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from bot.outcome import Failed
from bot.recovery.action import Context, Facts, World
from bot.recovery.on_hosts import look_with, run_command, run_program
from bot.systems.hosts.opening import OpenHost
from bot.words import show_duration

REVISION_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.+/-]{0,99}$"
FORBIDDEN = ("..", "//", "/.", "./", ".lock")
LOOK_UP_S = 120.0
"""Twice what the program gives a repository to answer, and then some."""
COMMAND_S = 60.0
HEALTHY_WITHIN_S = 60.0
LOOK_EVERY_S = 0.5
SAID = 300


def require_revision(text: str) -> str:
    """Return the name of a tag, a branch, a commit or a release unchanged, or raise ValueError."""
    if any(one in text for one in FORBIDDEN) or text.endswith(("/", ".")):
        raise ValueError("is no tag, branch or commit, such as v1.2.0")
    return text


Revision = Annotated[str, Field(pattern=REVISION_PATTERN), AfterValidator(require_revision)]


def current_of(seen: Facts) -> tuple[str | None, str | None]:
    """Name and commit of what a host runs; of the code in the folder itself where it has no releases yet."""
    plain = seen["plain"]
    if isinstance(plain, dict):
        return str(plain["name"]), _text(plain.get("revision"))
    name = _text(seen["current"])
    release = find_release(seen, name)
    return name, _text(release.get("revision")) if release else None


def find_release(seen: Facts, name: str | None) -> Facts | None:
    """A release that is on the host."""
    releases = seen["releases"]
    assert isinstance(releases, list)
    return next((one for one in releases if isinstance(one, dict) and one["name"] == name), None)


def look_up(world: World, host: OpenHost, revision: str, current: str | None) -> Facts:
    """What a revision is, and the commits between it and the current one. Raises `Failed` where there is none such."""
    code = world.policy.infrastructure.code
    return look_with(
        host, "fetch_release", "look", host.application.install_folder, code.primary, code.mirror, revision,
        current or "", timeout_s=LOOK_UP_S,
    )  # fmt: skip


def fetch(context: Context[Any], host: OpenHost, revision: str, timeout_s: float) -> Facts:
    """Bring a revision to the host, from the repository or its mirror. It is no release yet."""
    code, folder = context.world.policy.infrastructure.code, host.application.install_folder
    return run_program(
        context, host, "fetch_release", "fetch", folder, code.primary, code.mirror, revision, "", timeout_s=timeout_s
    )


def finish(context: Context[Any], host: OpenHost, name: str, timeout_s: float) -> Facts:
    """Install what it needs, and only then give it its name among the releases."""
    words = [*host.command("environment"), "--", *host.command("dependencies")]
    folder = host.application.install_folder
    return run_program(context, host, "finish_release", folder, name, *words, timeout_s=timeout_s)


def switch(context: Context[Any], host: OpenHost, name: str) -> Facts:
    """Let `current` lead to it; gives back what it led to before. The service goes on as it is until its restart."""
    return run_program(context, host, "switch_release", host.application.install_folder, name, timeout_s=COMMAND_S)


def deploy(context: Context[Any], host: OpenHost, revision: str, timeout_s: float) -> Facts:
    """Fetch, install and switch, without a restart; `timeout_s` is for each of the first two. May be done again.

    Gives back `name`, `revision` (the commit), `source` (primary, mirror, or copy: the host had it) and `before`.
    """
    found = fetch(context, host, require_revision(revision), timeout_s)
    finish(context, host, str(found["name"]), timeout_s)
    return {**found, "before": switch(context, host, str(found["name"]))["before"]}


def restart_on(context: Context[Any], host: OpenHost) -> None:
    """Start the service again, once, and wait until it is healthy on this host. Raises `Failed`.

    Which start it was in before is kept, so that after a crash one that has been restarted is not restarted again.
    """
    label = f"{host.key}:start"
    before = context.memory.recall(label)
    if before is None:
        before = read_start(host)
        context.memory.keep(label, before)
    if read_start(host) == before or not host.run("is_running", COMMAND_S).good:
        output = run_command(context, host, "restart", COMMAND_S)
        if not output.good:
            said = context.world.redactor.redact(output.said)[:SAID] or "it said nothing"
            raise Failed(f"{host.host.title} was not restarted: status {output.status}, {said}")
    wait_healthy(host)


def read_start(host: OpenHost) -> str:
    """Which start of its service a host is in."""
    output = host.run("started", COMMAND_S)
    return output.text.strip() if output.good else ""


def wait_healthy(host: OpenHost) -> None:
    """Raises `Failed` where it does not become so in time."""
    deadline = time.monotonic() + HEALTHY_WITHIN_S
    while time.monotonic() < deadline:
        if host.run("is_running", COMMAND_S).good and host.run("is_healthy", COMMAND_S).good:
            return
        time.sleep(LOOK_EVERY_S)
    raise Failed(f"{host.host.title} was restarted and is not healthy after {show_duration(HEALTHY_WITHIN_S)}.")


def _text(value: object) -> str | None:
    return str(value) if value else None
