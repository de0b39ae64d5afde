"""Try an installed wheel, away from any checkout: does all that it needs travel in it?

Run by `.ci/run` with the Python of a virtual environment that holds the wheel and nothing of its extras. It declares
and resolves an incident, so the migrations have made the tables and the templates have written something.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import sqlalchemy as sa
import yaml

import bot
from bot.app import build_services
from bot.comms.messages import compose
from bot.comms.messages.subject import Subject
from bot.comms.prose import Prose
from bot.settings import manifest_path, templates_dir
from bot.store.tables import Notice

HOLDFAST = Path(sys.executable).with_name("holdfast")
TITLE = "The wheel is tried"


def main() -> None:
    """Raises on the first thing that is not as it should be."""
    assert Path(sys.prefix) in Path(bot.__file__).parents, f"this is the checkout's: {bot.__file__}"
    with tempfile.TemporaryDirectory() as state:
        environment = {"PATH": os.defpath, "HOME": state, "HOLDFAST_DATABASE_URL": f"sqlite:///{state}/holdfast.db"}
        print(holdfast(environment, "--version").strip())
        assert "TraitorTrack" in holdfast(environment, "policy", "show")
        assert "0 entries" in holdfast(environment, "ledger", "verify")
        said = play_incident(environment)
        assert any(TITLE in text for text in said), said
        assert TITLE in holdfast(environment, "incident", "postmortem")
    commands = yaml.safe_load(manifest_path().read_text(encoding="utf-8"))["features"]["slash_commands"]
    print(f"{len(said)} messages, a post-mortem, {len(commands)} slash commands")


def holdfast(environment: dict[str, str], *arguments: str) -> str:
    """What the console script prints; raises CalledProcessError where it fails."""
    command = [str(HOLDFAST), *arguments]
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


def play_incident(environment: dict[str, str]) -> list[str]:
    """Declare and resolve one; what would be said in Slack about it."""
    services = build_services(environment)
    incident = services.desk.declare(actor="amara", severity="P1", title=TITLE)
    services.desk.resolve(incident.id, actor="amara")
    services.drafts.draft(incident.id)
    subject = Subject(services.database, services.policy, Prose(templates_dir()))
    with services.database.read() as session:
        return [compose(notice, subject).text for notice in session.scalars(sa.select(Notice))]


if __name__ == "__main__":
    main()
