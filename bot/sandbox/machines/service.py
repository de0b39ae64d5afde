"""The application as a machine's service, started as systemd would start it."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping

from bot.sandbox.children import Child, module_command, module_environment
from bot.sandbox.machines.disk import Disk

ENTRY = "main.py"
"""What a release is started by."""
ESCAPED = re.compile(r'\\(["\\`$])')


class Service(Child):
    """What runs is read from the disk at each start: the release that `current` leads to, and the environment file.

    Where no release has been put, it is the warehouse as this package has it. The application gets PORT,
    BAGS_PER_SECOND, TRAITORTRACK_LOG_PATH, SESSION_FOLDER and MAINTENANCE_FILE, and beside them `environment`; the
    file overrides all.
    """

    def __init__(self, disk: Disk, port: int, *, bags_per_s: float, environment: Mapping[str, str]) -> None:
        self.disk, self.port = disk, port
        self._unit = {
            "PORT": str(port),
            "BAGS_PER_SECOND": str(bags_per_s),
            "TRAITORTRACK_LOG_PATH": str(disk.log_path),
            "SESSION_FOLDER": str(disk.session_folder),
            "MAINTENANCE_FILE": str(disk.maintenance_file),
            **environment,
        }
        super().__init__("warehouse", [], log_path=disk.console_path)

    @property
    def health_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/health"

    def start(self) -> None:
        if not self.running:
            has_release = (self.disk.current / ENTRY).exists()
            self.argv = [sys.executable, ENTRY] if has_release else module_command("bot.sandbox.warehouse")
            self._cwd = self.disk.current.resolve() if has_release else None
            self._env = module_environment({**self._unit, **read_environment(self.disk)})
        super().start()


def read_environment(disk: Disk) -> dict[str, str]:
    """The environment file, as systemd.exec(5) has it: NAME=VALUE a line, quotes allowed, # for remarks."""
    if not disk.environment_file.exists():
        return {}
    found = {}
    for line in disk.environment_file.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith(("#", ";")):
            found[name.strip()] = _unquote(value.strip())
    return found


def _unquote(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == "'":
        return value[1:-1]
    if len(value) > 1 and value[0] == value[-1] == '"':
        return ESCAPED.sub(r"\1", value[1:-1])
    return value
