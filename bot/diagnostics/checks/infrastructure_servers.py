"""Do the machines run on which the application's servers are, and are they well for AWS? (Document: Server Failure.)

A machine that has crashed goes on to be called running: AWS's status checks say whether it answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import Point, PointCheck
from bot.outcome import Failed, Refused
from bot.policy import Host
from bot.store.documents import Suggestion
from bot.systems.servers import Health, Servers

RUNNING, COMING, IMPAIRED = "running", "pending", "impaired"
NORMAL = "It runs, and both of AWS's status checks are good."
STATES = {
    "stopped": "somebody stopped it, or it shut itself down; `aws ec2 start-instances` starts it again as it was",
    "stopping": "somebody stops it, or it shuts itself down",
    "shutting-down": "somebody terminates it",
    "terminated": "it is gone for good",
}


class InfrastructureServers(PointCheck):
    name = "infrastructure_servers"
    title = "Machines of the servers"
    scope = "infrastructure"
    permissions = ("ec2:DescribeInstances", "ec2:DescribeInstanceStatus")
    timeout_s = 25.0
    once = False

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        hosts = surroundings.policy.hosts.items()
        ours = [(key, one) for key, one in hosts if one.application == surroundings.settings.application]
        known = [(key, one) for key, one in ours if one.instance_id and one.region]
        if not known:
            yield Point("unknown", "The policy names no server in EC2 (`hosts.*.instance_id`).")
            return
        with ThreadPoolExecutor(max_workers=len(known)) as pool:
            for found in pool.map(lambda one: list(_look_at(*one)), known):
                yield from found


def _look_at(key: str, host: Host) -> Iterator[Point]:
    try:
        servers = Servers(str(host.region))
        name = servers.find_current(str(host.instance_id))
        health = servers.read_health(name)
    except (Refused, Failed) as trouble:
        yield Point("unknown", f"{host.title}: {trouble.reason}")
        return
    yield judge_machine(key, host, name, health)
    for words in health.events if health else ():
        yield Point("warning", f"{host.title} ({name}): AWS announces: {words}", normal=NORMAL)


def judge_machine(key: str, host: Host, name: str, health: Health | None) -> Point:
    """What is not there, does not run or does not answer is for a replacement; so is broken hardware."""
    who = f"{host.title} ({name})"
    replace = (Suggestion(action="replace_server", label=f"Replace {host.title}", parameters={"host": key}),)
    if health is None:
        return Point("critical", f"{who} does not exist any more.", replace, ("server ill",), normal=NORMAL)
    if health.state == COMING:
        return Point("warning", f"{who} is being started.", signs=("server ill",), normal=NORMAL)
    if health.state != RUNNING:
        words = f"{who} is {health.state}: {STATES.get(health.state, 'it does not run')}."
        return Point("critical", words, replace, ("server ill",), normal=NORMAL)
    if health.machine == IMPAIRED:
        words = f"{who} fails AWS's check of the system: the hardware or network beneath it is at fault. Stopped and "
        words += "started (not rebooted) it comes up on other hardware."
        return Point("critical", words, replace, ("server ill",), normal=NORMAL)
    if health.system == IMPAIRED:
        words = f"{who} fails AWS's check of the instance: it has crashed, has no memory left, or is cut off from its "
        words += "network or disk. `aws ec2 get-console-output` shows what it said last; a reboot may help."
        return Point("critical", words, replace, ("server ill",), normal=NORMAL)
    return Point("ok", f"{who} runs.", normal=NORMAL)


CHECK = InfrastructureServers()
