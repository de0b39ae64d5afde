"""Releases of the warehouse on the disk of the shared stage's one machine, and how to get rid of them."""

from __future__ import annotations

import shutil

from bot.sandbox.fleet import deploy
from bot.sandbox.stage import Stage


def lay_releases(stage: Stage, *revisions: str) -> list[str]:
    """Releases that are there from before, the last of them current and running; their names."""
    names = list[str]()
    for revision in revisions:
        deploy(stage.disk, stage.make_repositories(), revision)
        names.append(stage.disk.current.resolve().name)
    restart(stage)
    return names


def clear_code(stage: Stage) -> None:
    """The application as it comes with the sandbox, for whoever is next."""
    has_release = stage.disk.current.exists()
    for path in (stage.disk.install_folder, stage.disk.git_folder, stage.disk.session_folder):
        shutil.rmtree(path, ignore_errors=True)
    stage.disk.make()
    if has_release:
        restart(stage)


def restart(stage: Stage) -> None:
    stage.warehouse.stop()
    stage.start_application()
