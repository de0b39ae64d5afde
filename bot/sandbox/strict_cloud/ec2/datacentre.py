"""What stands behind EC2: a machine for each instance, and how instances pass from state to state.

moto keeps what the API describes; a state is set in moto's instance when the machine has come to it.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.sandbox.machines.disk import Disk
from bot.sandbox.machines.machine import Machine
from bot.sandbox.ports import free_port
from bot.sandbox.strict_cloud.pace import Agenda, Clock, Durations

if TYPE_CHECKING:
    from collections.abc import Callable

    from moto.ec2.models.instances import Instance

log = logging.getLogger(__name__)
CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
"""As the API has them (EC2 API reference, InstanceState)."""


@dataclass
class ServerPace(Durations):
    """How long things take with servers. AWS's own timeouts and delays are multiplied by `timeout_scale`."""

    pending_s: float = 0.5
    stopping_s: float = 0.3
    appears_s: float = 0.4  # until GetCommandInvocation knows a command
    probe_every_s: float = 0.25  # of the load balancer, whatever the target group says
    timeout_scale: float = 0.1  # of SSM's time for delivery, and of the delay of a deregistration
    refresh_step_s: float = 0.5  # of an instance refresh, between one server and the next


@dataclass
class Server:
    """One instance: moto's record of it, and the machine."""

    instance: Instance
    machine: Machine
    agenda: Agenda

    @property
    def state(self) -> str:
        return str(self.instance.state)

    def set_state(self, name: str) -> None:
        self.instance._state.name, self.instance._state.code = name, CODES[name]


class Datacentre:
    """Every server of every region; whoever changes one holds `lock`."""

    def __init__(self, folder: Path, *, bags_per_s: float) -> None:
        self.lock = threading.RLock()
        self.clock, self.pace = Clock(), ServerPace()
        self.servers: dict[str, Server] = {}
        self.workers = ThreadPoolExecutor(max_workers=16, thread_name_prefix="servers")
        self._folder, self._bags_per_s = folder, bags_per_s

    def launch(self, instance: Instance, prepare: Callable[[Disk], None] = lambda disk: None) -> Server:
        """Give an instance that moto has just made its machine, which boots: empty but for what `prepare` does."""
        with self.lock:
            machine = Machine(self._folder / instance.id, free_port(), bags_per_s=self._bags_per_s)
            agenda = Agenda(self.clock, self.pace, self.workers, lambda error: self._fail(server, error))
            server = self.servers[instance.id] = Server(instance, machine, agenda)
            prepare(machine.disk)
            self._boot(server)
        return server

    def start(self, instance_id: str) -> None:
        with self.lock:
            self._boot(self.servers[instance_id])

    def stop(self, instance_id: str) -> None:
        with self.lock:
            self._end(self.servers[instance_id], "stopping", "stopped")

    def terminate(self, instance_id: str) -> None:
        """Its disk goes with it."""
        with self.lock:
            self._end(self.servers[instance_id], "shutting-down", "terminated")

    def find(self, instance_id: str) -> Server | None:
        """A server by its instance's id; None where this cloud has no machine of that id."""
        return self.servers.get(instance_id)

    def advance(self) -> None:
        """Let happen what is due."""
        with self.lock:
            for server in list(self.servers.values()):
                server.agenda.advance()

    def close(self) -> None:
        """Stop every machine and delete what it stored."""
        with ThreadPoolExecutor(max_workers=8) as workers:
            list(workers.map(lambda server: server.machine.remove(), self.servers.values()))
        self.workers.shutdown(wait=True, cancel_futures=True)

    def _boot(self, server: Server) -> None:
        server.set_state("pending")
        server.agenda.add(self.pace.pending_s, lambda: server.set_state("running"), server.machine.start)

    def _end(self, server: Server, on_the_way: str, at_last: str) -> None:
        server.agenda.clear()
        server.set_state(on_the_way)
        halt = server.machine.remove if at_last == "terminated" else server.machine.stop
        server.agenda.add(self.pace.stopping_s, lambda: server.set_state(at_last), halt)

    def _fail(self, server: Server, error: BaseException) -> None:
        log.error("%s failed: %s", server.instance.id, error)
        server.set_state("stopped")
