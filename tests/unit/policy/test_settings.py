"""The environment is read strictly, and what it keeps secret is shown nowhere."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url

import bot.settings
from bot.settings import Settings, SettingsError

SECRETS = {
    "SLACK_BOT_TOKEN": "xoxb-very-secret-1",
    "SLACK_APP_TOKEN": "xapp-very-secret-2",
    "SLACK_SIGNING_SECRET": "very-secret-3",
    "HOLDFAST_DATABASE_URL": "postgresql://holdfast:very-secret-4@db.example.com/holdfast",
}


def test_nothing_set_is_enough_for_the_terminal() -> None:
    settings = Settings.from_environment({"HOME": "/home/amara"})
    assert settings.slack_bot_token is None
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.policy_path is None
    assert settings.state_folder == Path("/home/amara/.local/state/holdfast")
    assert settings.database_url == "sqlite:////home/amara/.local/state/holdfast/holdfast.db"


@pytest.mark.parametrize(
    ("stated", "folder"), [("/var/state", "/var/state/holdfast"), ("state", "/h/.local/state/holdfast")]
)
def test_the_state_folder_follows_the_xdg_specification(stated: str, folder: str) -> None:
    settings = Settings.from_environment({"HOME": "/h", "XDG_STATE_HOME": stated})
    assert settings.state_folder == Path(folder)


def test_everything_set_is_read() -> None:
    settings = Settings.from_environment(
        {**SECRETS, "HOME": "/h", "SLACK_API_URL": "http://127.0.0.1:9/api", "HOLDFAST_POLICY": "/etc/policy.yml"}
    )
    assert settings.require_secret("SLACK_BOT_TOKEN") == "xoxb-very-secret-1"
    assert settings.require_secret("SLACK_APP_TOKEN") == "xapp-very-secret-2"
    assert settings.require_secret("SLACK_SIGNING_SECRET") == "very-secret-3"
    assert settings.slack_api_url == "http://127.0.0.1:9/api/"
    assert settings.policy_path == Path("/etc/policy.yml")


def test_secrets_are_shown_nowhere() -> None:
    settings = Settings.from_environment({**SECRETS, "HOME": "/h"})
    assert "very-secret" not in f"{settings!r} {settings} {settings.slack_bot_token}"


@pytest.mark.parametrize(
    ("url", "driver", "host"),
    [
        ("postgres://u:p@h/d", "postgresql+psycopg", "h"),
        ("postgresql://u:p@h/d?sslmode=require", "postgresql+psycopg", "h"),
        ("postgresql+psycopg://u:p@h/d", "postgresql+psycopg", "h"),
        ("sqlite:////tmp/x.db", "sqlite", None),
    ],
)
def test_database_urls_name_the_driver_that_is_installed(url: str, driver: str, host: str | None) -> None:
    parsed = make_url(Settings.from_environment({"HOME": "/h", "HOLDFAST_DATABASE_URL": url}).database_url)
    assert (parsed.drivername, parsed.host) == (driver, host)


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("SLACK_BOT_TOKEN", "xapp-very-secret", "does not begin with xoxb-"),
        ("SLACK_APP_TOKEN", "xoxb-very-secret", "does not begin with xapp-"),
        ("SLACK_API_URL", "slack.com/api", "is not a web address"),
        ("HOLDFAST_WEB_URL", "holdfast.example.com", "is not a web address"),
        ("HOLDFAST_WEB_URL", "https://holdfast.example.com/?very-secret", "is not a web address"),
        ("HOLDFAST_WEB_SECRET", "very-secret", "is shorter than 32 characters"),
        ("HOLDFAST_DATABASE_URL", "mysql://u:very-secret@h/d", "is neither SQLite nor PostgreSQL"),
        ("HOLDFAST_DATABASE_URL", "postgresql", "is neither SQLite nor PostgreSQL"),
        ("HOLDFAST_DATABASE_URL", "postgresql://u:very-secret@h:port/d", "cannot be read as the address"),
        ("HOLDFAST_DATABASE_URL", "sqlite:///:memory:", "names no file"),
        ("HOLDFAST_DATABASE_URL", "very-secret", "is neither SQLite nor PostgreSQL"),
    ],
)
def test_what_cannot_be_used_is_named_with_an_example_but_without_its_value(name: str, value: str, rule: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"HOME": "/h", name: value})
    message = str(caught.value)
    assert message.startswith(f"{name} {rule}")
    assert f". Example: {name}=" in message
    assert "very-secret" not in message


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_secret_that_is_needed_and_missing_is_named(value: str | None) -> None:
    env = {"HOME": "/h"} | ({"SLACK_BOT_TOKEN": value} if value is not None else {})
    with pytest.raises(SettingsError, match=r"SLACK_BOT_TOKEN is not set\. Example: SLACK_BOT_TOKEN=xoxb-"):
        Settings.from_environment(env).require_secret("SLACK_BOT_TOKEN")


@pytest.mark.parametrize("manifest", ["manifest.yml", "bot/manifest.yml"], ids=["checkout", "wheel"])
def test_what_travels_with_the_package_is_found(tmp_path: Path, manifest: str) -> None:
    for folder in ("bot", "templates"):
        (tmp_path / folder).mkdir()
    (tmp_path / "bot" / "__init__.py").touch()
    (tmp_path / "bot" / "settings.py").write_bytes(Path(bot.settings.__file__).read_bytes())
    program = "from bot.settings import *; print(manifest_path()); print(templates_dir())"
    command = [sys.executable, "-c", program]
    missing = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "manifest.yml is missing: install Holdfast again" in missing.stderr
    (tmp_path / manifest).touch()
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert found.stdout.split() == [str(tmp_path / manifest), str(tmp_path / "templates")]
