"""A machine's init: `python -m bot.sandbox.machines ROOT --port PORT`, until SIGTERM.

The service is started at boot where it has been set up, that is, where there is an environment file. It does not come
back by itself when it dies.
"""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

from bot.sandbox.machines.disk import Disk
from bot.sandbox.machines.service import Service
from bot.sandbox.machines.supervisor import Supervisor


def main() -> None:
    """Boot, and run until told to stop."""
    parser = argparse.ArgumentParser(prog="machine")
    parser.add_argument("root", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bags-per-second", type=float, default=0.0)
    options = parser.parse_args()
    disk, shutdown = Disk(options.root), threading.Event()
    disk.make()
    for sig in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sig, lambda *_: shutdown.set())
    service = Service(disk, options.port, bags_per_s=options.bags_per_second, environment={})
    if disk.environment_file.exists():
        service.start()
    supervisor = Supervisor(disk.init_socket, service)
    shutdown.wait()
    service.stop()
    supervisor.close()


if __name__ == "__main__":
    main()
