"""From a host in the policy to a machine that commands can be run on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from bot.policy import Application, Host, Policy, fill_command
from bot.systems.hosts.command import HostUnreachable, Machine, Output
from bot.systems.hosts.local import LocalMachine
from bot.systems.hosts.programs import read_answer, read_program
from bot.systems.hosts.ssh import SshMachine
from bot.systems.hosts.ssm import SsmMachine

LOOK_S = 20.0


@dataclass(frozen=True)
class OpenHost:
    """A host with its commands."""

    key: str
    host: Host
    application: Application
    machine: Machine

    def command(self, name: str, **more: str) -> list[str]:
        """The words of one of the policy's commands; `name` is a key of `hosts.*.commands`, `more` its own facts."""
        words: list[str] = getattr(self.host.commands, name)
        facts = {
            "service": self.application.service,
            "log_path": self.application.log_path,
            "install_folder": self.application.install_folder,
            "session_folder": self.application.session_folder,
            **more,
        }
        return list(fill_command(words, facts))

    def read_with(self, program: str, *arguments: str, timeout_s: float = LOOK_S) -> dict[str, JsonValue]:
        """What a shipped program that only looks answers. Raises `Failed` in its words, and as `Machine.run` does."""
        words = [*self.command("python"), "-I", "-c", read_program(program), *arguments]
        return read_answer(self.machine.run(words, timeout_s), self.host.title)

    def run(self, name: str, timeout_s: float) -> Output:
        """Run one of the policy's commands; raises as `Machine.run` does."""
        return self.machine.run(self.command(name), timeout_s)


def open_hosts(policy: Policy, environment: Mapping[str, str], application: str) -> list[OpenHost]:
    """The hosts of an application, in the order of the policy. Raises HostUnreachable where a key is missing."""
    keys = [key for key, host in policy.hosts.items() if host.application == application]
    return [open_host(policy, environment, key) for key in keys]


def open_host(policy: Policy, environment: Mapping[str, str], key: str) -> OpenHost:
    """One host of the policy. Raises HostUnreachable where its key is missing."""
    host = policy.hosts[key]
    return OpenHost(key, host, policy.applications[host.application], open_machine(key, host, environment))


def open_replacement(open_host: OpenHost, instance_id: str) -> OpenHost:
    """A host that is to take another's place: reached in the same way, by SSM, and told the same commands."""
    host = open_host.host.model_copy(update={"instance_id": instance_id, "title": f"{open_host.host.title} (new)"})
    return OpenHost(open_host.key, host, open_host.application, open_machine(open_host.key, host, {}))


def open_machine(key: str, host: Host, environment: Mapping[str, str]) -> Machine:
    """The machine itself; the secret is read now, not before."""
    if host.reach == "local":
        return LocalMachine(host.title)
    if host.reach == "ssm":
        assert host.instance_id  # the policy was checked
        assert host.region
        return SsmMachine(host.title, host.instance_id, host.region)
    assert host.address
    assert host.user
    assert host.host_key
    assert host.private_key_env
    private_key = environment.get(host.private_key_env, "")
    if not private_key:
        raise HostUnreachable(
            f"{host.private_key_env} is not set, so {host.title} cannot be reached.",
            f"Give the bot the private key for `hosts.{key}` in it.",
        )
    return SshMachine(host.title, host.address, host.port, host.user, host.host_key, private_key)
