"""Commands and programs on an application's hosts, as part of a step."""

from __future__ import annotations

import shlex
from typing import Any

from bot.outcome import Refused
from bot.recovery.action import Context, Facts, World
from bot.systems.hosts.command import Output, Sent
from bot.systems.hosts.opening import LOOK_S, OpenHost, open_host
from bot.systems.hosts.programs import read_answer, read_program
from bot.systems.secrets import fingerprint_text


def list_application_hosts(world: World, application: str) -> list[str]:
    """Keys, in the policy's order. Raises `Refused` where the policy has no such application, or no host of it."""
    if application not in world.policy.applications:
        known = ", ".join(world.policy.applications)
        raise Refused(f"{application!r} is not an application of the policy: {known}.", "Name one of them.")
    keys = [key for key, host in world.policy.hosts.items() if host.application == application]
    if not keys:
        raise Refused("The policy names no host of this application.", "Add it to the policy under `hosts`.")
    return keys


def open_application_hosts(world: World, application: str) -> list[OpenHost]:
    """All of them, in the policy's order. Raises `Refused` as `list_application_hosts`, and where one has no key."""
    keys = list_application_hosts(world, application)
    return [open_host(world.policy, world.environment, key) for key in keys]


def run_command(context: Context[Any], host: OpenHost, command: str, timeout_s: float) -> Output:
    """One of the policy's commands. What it says is kept with the run."""
    return _run(context, host, command, host.command(command), timeout_s)


def run_program(context: Context[Any], host: OpenHost, program: str, *arguments: str, timeout_s: float) -> Facts:
    """A program of `systems/hosts/programs`, which bears being run again. Raises `Failed` in its words."""
    words = [*host.command("python"), "-I", "-c", read_program(program), *arguments]
    return read_answer(_run(context, host, program, words, timeout_s), host.host.title)


def look_with(host: OpenHost, program: str, *arguments: str, timeout_s: float = LOOK_S) -> Facts:
    """What a program that only looks answers."""
    return host.read_with(program, *arguments, timeout_s=timeout_s)


def _run(context: Context[Any], host: OpenHost, name: str, words: list[str], timeout_s: float) -> Output:
    label = f"{host.key}:{name}:{fingerprint_text(shlex.join(words))}"  # what it is told makes it another command
    sent = Sent(context.memory.recall(label) or None, lambda command_id: context.memory.keep(label, command_id))
    output = host.machine.run(words, timeout_s, context.cancelled, sent)
    context.memory.keep(label, "")  # the next of that name is another
    if output.said:
        context.write(f"{host.host.title}: {output.said}\n")
    return output
