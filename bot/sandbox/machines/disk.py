"""A machine's disk: a folder, and where in it things are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PREFIX = "/machine/"
"""What every path on a machine begins with, seen from outside."""
NAMED = re.compile(rf"(?<![\w.-]){PREFIX}")
"""Where a path begins so; a folder of that name within a path is another thing."""
NAME = "traitortrack"


@dataclass(frozen=True)
class Disk:
    """The folders that the document names, below `root`."""

    root: Path

    @property
    def init_socket(self) -> Path:
        """Where `bot.sandbox.service` speaks to init."""
        return self.root / "init.sock"

    @property
    def install_folder(self) -> Path:
        """Holds `current`, a link to a release, and the environment file."""
        return self.root / "opt" / NAME

    @property
    def current(self) -> Path:
        """The release that is started."""
        return self.install_folder / "current"

    @property
    def environment_file(self) -> Path:
        """Read at each start of the service."""
        return self.install_folder / ".env"

    @property
    def session_folder(self) -> Path:
        return self.root / "tmp" / "flask_session"

    @property
    def maintenance_file(self) -> Path:
        """The page that is shown instead of the application while it is there."""
        return self.install_folder / "maintenance.html"

    @property
    def log_path(self) -> Path:
        """The application's log."""
        return self.root / "var" / "log" / NAME / "app.log"

    @property
    def console_path(self) -> Path:
        """What the application prints besides."""
        return self.root / "var" / "log" / NAME / "console.log"

    @property
    def git_folder(self) -> Path:
        """Where a sandbox of one machine has the repositories; no part of what the application sees."""
        return self.root / "git"

    @property
    def folders(self) -> dict[str, Path]:
        """What the policy says of an application that runs on the machine, by the names of its keys."""
        return {
            "install_folder": self.install_folder,
            "environment_file": self.environment_file,
            "session_folder": self.session_folder,
            "maintenance_file": self.maintenance_file,
            "log_path": self.log_path,
        }

    def make(self) -> None:
        """Make the folders; the disk is empty otherwise: no code, no environment."""
        for folder in (self.install_folder, self.session_folder, self.log_path.parent):
            folder.mkdir(parents=True, exist_ok=True)

    def inward(self, text: str) -> str:
        """A command for the machine, with its own folder where `/machine/` stands."""
        return NAMED.sub(lambda _: f"{self.root}/", text)

    def outward(self, text: str) -> str:
        """What a command printed, as if the machine had a disk of its own."""
        return text.replace(f"{self.root}/", PREFIX)

    def seen(self, path: Path) -> str:
        """A path on the disk as it is named from outside."""
        return f"{PREFIX}{path.relative_to(self.root)}"
