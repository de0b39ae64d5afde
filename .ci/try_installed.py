"""Try an installed wheel, away from any checkout: is everything in it that runs need?

Run by `.ci/run` with the Python of a virtual environment that holds the wheel and nothing of its extras.
"""

import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from jinja2 import Environment, FileSystemLoader

import bot
from bot.app import build_services
from bot.settings import manifest_path, templates_dir

HOLDFAST = Path(sys.executable).with_name("holdfast")


def holdfast(*arguments: str, state: Path) -> str:
    """What the console script prints; raises CalledProcessError where it fails."""
    environment = {
        "PATH": os.defpath,
        "HOME": str(state),
        "HOLDFAST_DATABASE_URL": f"sqlite:///{state / 'holdfast.db'}",
    }
    command = [str(HOLDFAST), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Raises on the first thing that is not as it should be."""
    assert Path(sys.prefix) in Path(bot.__file__).parents, f"this is the checkout's: {bot.__file__}"
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        print(holdfast("--version", state=state).strip())
        assert "TraitorTrack" in holdfast("policy", "show", state=state)
        assert "0 entries" in holdfast("ledger", "verify", state=state)
        with sqlite3.connect(state / "holdfast.db") as store:
            tables = {name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert {"holdfast_version", "incidents", "ledger", "plans", "runs"} <= tables, tables
        build_services({"HOME": str(state)}).engine.stop()
    templates = Environment(loader=FileSystemLoader(templates_dir()), autoescape=True)
    names = [name for name in templates.list_templates() if not name.endswith((".py", ".pyc"))]
    for name in names:
        templates.get_template(name)
    commands = yaml.safe_load(manifest_path().read_text(encoding="utf-8"))["features"]["slash_commands"]
    print(f"{len(tables)} tables, {len(names)} templates, {len(commands)} slash commands")


if __name__ == "__main__":
    main()
