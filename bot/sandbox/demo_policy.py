"""The sandbox's policy file: the shipped default, with the addresses of the sandbox's application and mailbox in it."""

from __future__ import annotations

import getpass
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.policy import Policy, default_policy_path, load_policy
from bot.policy.plain_yaml import dump_plain, load_plain
from bot.sandbox.cloud import REGION
from bot.sandbox.fleet import Fleet
from bot.sandbox.machines.disk import PREFIX, Disk
from bot.sandbox.repositories import Repositories

STATUS = "status"
"""Folder of the built-in status page, and where the sandbox's own page serves it."""
SEEN = Disk(Path(PREFIX))
"""A machine's disk as it is named in commands."""
FOLDERS = {name: str(path) for name, path in SEEN.folders.items()}
"""What the policy says of an application on such a machine."""
SECRET_READER = Path(__file__).with_name("secret_reader.py")
ARCHIVE_READER = SECRET_READER.with_name("archive_reader.py")
EXPECTED = {"full_page_writes": ["on"], "autovacuum": ["on"], "default_transaction_read_only": ["off"]}
PROBED = {"every": "5 seconds", "failures": 3}
"""Nobody who looks on wants to wait for three minutes."""
MEASURED = {"every": "5 seconds", "keep_for": "1 day", "thin_to": "5 minutes", "keep_thinned_for": "7 days"}


@dataclass(frozen=True)
class Postbox:
    """Where what is said outside Slack goes: a mail server, and the address below which the rest arrives."""

    smtp_port: int
    caught_url: str

    def channels(self) -> dict[str, Any]:
        """The policy's `channels` that it serves."""
        return {
            "email": {
                "transport": "smtp", "sender": "incidents@example.com", "host": "127.0.0.1", "port": self.smtp_port,
                "security": "none",
            },
            "pagerduty": {
                "routing_key_env": "PAGERDUTY_ROUTING_KEY", "api_url": f"{self.caught_url}/pagerduty",
            },
            "teams": {"webhook_env": "TEAMS_WEBHOOK_URL"},
            "webhook": {"url": f"{self.caught_url}/webhook", "secret_env": "INCIDENT_WEBHOOK_SECRET"},
        }  # fmt: skip

    def environment(self) -> dict[str, str]:
        """What the bot needs in its environment to use them."""
        return {
            "PAGERDUTY_ROUTING_KEY": secrets.token_hex(16),
            "TEAMS_WEBHOOK_URL": f"{self.caught_url}/teams",
            "INCIDENT_WEBHOOK_SECRET": secrets.token_hex(16),
        }


def write_demo_policy(
    folder: Path, application_url: str, *, supervisor: Path | None = None, log_path: Path | None = None,
    page_url: str | None = None, probed: bool = False, postbox: Postbox | None = None, fleet: Fleet | None = None,
) -> tuple[Path, Policy]:  # fmt: skip
    """Write it, and read it back as the bot will. Whoever started the sandbox is its first person in the terminal.

    `supervisor`: the socket of the one host that there is, this machine; without it the policy has no hosts.
    `log_path`: the application's log.
    `fleet`: the servers of the cloud that it has instead, reached by SSM.
    `page_url`: where the sandbox's page is; the public then reads a status page of our own there.
    `probed`: the bot looks by itself whether the application is well, and measures everything.
    `postbox`: where what is said outside Slack goes.
    """
    text: dict[str, Any] = load_plain(default_policy_path())
    text["infrastructure"]["leftovers"] = {"one_user": True}  # whoever started the sandbox
    text["applications"] = {key: one for key, one in text["applications"].items() if not one.get("standby")}
    for application in text["applications"].values():
        application["url"] = application_url
        application["verification"]["quiet_for"] = "3 seconds"
        application["log_path"] = str(log_path or application["log_path"])
        if supervisor:
            own = {name: str(path) for name, path in Disk(supervisor.parent).folders.items()}
            application.update(FOLDERS if fleet else own)
    for database in text["databases"].values():
        database["expected_settings"] = {**EXPECTED, "fsync": ["off"]}  # everything here is thrown away
    text["hosts"] = describe_fleet(fleet) if fleet else {"app_1": describe_host(supervisor)} if supervisor else {}
    if supervisor:
        places = fleet.repositories if fleet else Repositories(Disk(supervisor.parent).git_folder)
        text["infrastructure"]["code"] |= {"primary": places.primary, "mirror": places.mirror}
    for changing in ("rds", "auto_scaling"):
        text["infrastructure"][changing]["poll_every"] = "1 second"
    text["alerts"]["prober"] = PROBED if probed else None
    text["metrics"] = MEASURED if probed else None
    text["people"][0]["os_user"] = getpass.getuser()
    if page_url is not None:
        site = folder / STATUS
        site.mkdir()
        text["channels"].pop("statuspage")
        text["channels"] |= {"status_page_url": f"{page_url}/{STATUS}", "status_site": {"folder": str(site)}}
    if postbox:
        text["channels"].update(postbox.channels())
    path = folder / "policy.yml"
    dump_plain(path, text)
    return path, load_policy(path)


def describe_host(supervisor: Path) -> dict[str, Any]:
    """The sandbox's host: this machine, with the supervisor of the sandbox where others have systemd."""
    return {
        "title": "This machine",
        "application": "traitortrack",
        "reach": "local",
        "commands": describe_commands(str(supervisor)),
    }


def describe_fleet(fleet: Fleet) -> dict[str, Any]:
    """The servers of the cloud, as the shipped policy has them."""
    return {
        f"app_{number}": {
            "title": f"Application server {number}", "application": "traitortrack", "reach": "ssm",
            "instance_id": name, "region": REGION, "commands": describe_commands(SEEN.seen(SEEN.init_socket)),
        }
        for number, name in enumerate(fleet.instance_ids, start=1)
    }  # fmt: skip


def describe_commands(init_socket: str) -> dict[str, list[str]]:
    """What is said on a machine of the sandbox, where others have systemctl, curl and ps."""
    verbs = ("restart", "is-running", "started", "is-healthy", "workers")
    service = [sys.executable, "-m", "bot.sandbox.service", init_socket]
    return {
        **{verb.replace("-", "_"): [*service, verb] for verb in verbs},
        "python": [sys.executable],
        "read_secret": [sys.executable, "-I", str(SECRET_READER), "{secret}", "{version}", "{region}"],
        "read_archive": [sys.executable, "-I", str(ARCHIVE_READER), "{bucket}", "{key}", "{version}", "{file}"],
    }
