"""The sandbox's policy file: the shipped default, with the address of the sandbox's application in it."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import yaml

from bot.policy import Policy, default_policy_path, load_policy


def write_demo_policy(folder: Path, application_url: str) -> tuple[Path, Policy]:
    """Write it, and read it back as the bot will. Whoever started the sandbox is its first person in the terminal."""
    text: dict[str, Any] = yaml.safe_load(default_policy_path().read_text(encoding="utf-8"))
    for application in text["applications"].values():
        application["url"] = application_url
    text["infrastructure"]["rds"]["poll_every"] = "1 second"
    text["people"][0]["os_user"] = getpass.getuser()
    path = folder / "policy.yml"
    path.write_text(yaml.safe_dump(text, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path, load_policy(path)
