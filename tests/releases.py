"""Releases of the warehouse on the disk of the shared stage's one machine, and how to get rid of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


@contextmanager
def leave_leftovers(stage: Stage, *, days: float = 60) -> Iterator[list[Path]]:
    """As many deploys and repairs of `days` ago leave it, beside what is there: all that is too old by the policy.

    Meanwhile somebody works in a release that stays, so that it can be seen which are worked in.
    """
    folder, left = stage.disk.install_folder, list[Path]()
    for number in range(8):
        release, environment = folder / "releases" / f"old{number}", folder / "environments" / f"of-old{number}"
        for path in (release, environment):
            path.mkdir(parents=True)
            (path / "file").write_text("x" * 5000)
        (release / "venv").symlink_to(f"../../environments/{environment.name}")
        left += [release, environment]
    unfinished, copy = folder / "incoming" / "v9.part", folder / ".env.before-run77-65a1b2c3"
    unfinished.mkdir(parents=True)
    copy.write_text("SESSION_SECRET=of before\n")
    for index, path in enumerate(left := [copy, unfinished, *left]):
        moment = time.time() - days * 86_400 - index
        os.utime(path, (moment, moment))
    spared = {f"{of}old{number}" for number in range(5) for of in ("", "of-")}
    with subprocess.Popen(["sleep", "600"], cwd=folder / "releases" / "old0") as worker:
        try:
            yield [path for path in left if path.name not in spared]
        finally:
            worker.kill()


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
