"""Where things are, and secrets: from the environment only."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, SecretStr

PACKAGE = Path(__file__).parent
SLACK_API_URL = "https://slack.com/api/"
EXAMPLES = {
    "SLACK_BOT_TOKEN": "xoxb-… (Slack: OAuth & Permissions, Bot User OAuth Token)",
    "SLACK_APP_TOKEN": "xapp-… (Slack: Basic Information, App-Level Tokens, scope connections:write)",
    "SLACK_SIGNING_SECRET": "32 hexadecimal digits (Slack: Basic Information, App Credentials)",
    "SLACK_API_URL": SLACK_API_URL,
    "HOLDFAST_TEMPLATES": "/etc/holdfast/templates",
    "HOLDFAST_WEB_URL": "https://holdfast.example.com",
    "HOLDFAST_WEB_SECRET": "64 random hexadecimal digits (openssl rand -hex 32)",
    "HOLDFAST_DATABASE_URL": "sqlite:////var/lib/holdfast/holdfast.db or postgresql://user:password@host/holdfast",
}
PREFIXES = {"SLACK_BOT_TOKEN": ("xoxb-", "xoxe.xoxb-"), "SLACK_APP_TOKEN": ("xapp-",)}
WEB_SECRET_LENGTH = 32
"""At least; shorter ones can be found by trying."""
POSTGRESQL_SCHEMES = ("postgres", "postgresql", "postgresql+psycopg")

SecretName = Literal["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"]


class SettingsError(Exception):
    """A variable of the environment is missing or cannot be used; the message names it, with an example."""

    def __init__(self, name: str, rule: str) -> None:
        """Never give the value of the variable to `rule`: it may be a secret."""
        super().__init__(f"{name} {rule}. Example: {name}={EXAMPLES[name]}")
        self.name = name


class Settings(BaseModel):
    """Everything that the environment decides. Its repr shows no secret.

    boto3 reads its own variables, and the policy names those with the URLs of the databases it lists.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    slack_bot_token: SecretStr | None = None
    slack_app_token: SecretStr | None = None
    slack_signing_secret: SecretStr | None = None
    slack_api_url: str = SLACK_API_URL
    policy_path: Path | None = None
    templates_path: Path | None = None
    """The operator's own templates, which take the place of ours of the same path."""
    web_url: str = ""
    """Where a browser finds our pages, without a last slash; empty where nobody said."""
    web_secret: SecretStr | None = None
    """What the links to our pages are signed with."""
    state_folder: Path
    # The URL of the bot's own database, which may hold a password.
    database_url: str = Field(repr=False)

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> "Settings":
        """Read the variables; an empty one counts as unset. Raises SettingsError for one that cannot be used.

        Tokens may be missing: the terminal needs none. `require_secret` demands one.
        """
        state_folder = find_state_folder(env)
        policy = env.get("HOLDFAST_POLICY")
        return cls(
            slack_bot_token=read_secret(env, "SLACK_BOT_TOKEN"),
            slack_app_token=read_secret(env, "SLACK_APP_TOKEN"),
            slack_signing_secret=read_secret(env, "SLACK_SIGNING_SECRET"),
            slack_api_url=read_api_url(env.get("SLACK_API_URL") or SLACK_API_URL),
            policy_path=Path(policy).expanduser() if policy else None,
            templates_path=read_folder(env, "HOLDFAST_TEMPLATES"),
            web_url=read_web_url(env.get("HOLDFAST_WEB_URL", "").strip()),
            web_secret=read_web_secret(env),
            state_folder=state_folder,
            database_url=read_database_url(env.get("HOLDFAST_DATABASE_URL") or "", state_folder),
        )

    def require_secret(self, name: SecretName) -> str:
        """The value of a secret in clear, for the library that needs it. Raises SettingsError if unset."""
        secret: SecretStr | None = getattr(self, name.lower())
        if secret is None:
            raise SettingsError(name, "is not set")
        return secret.get_secret_value()


def read_secret(env: Mapping[str, str], name: str) -> SecretStr | None:
    """Read a secret; catches the usual mistake of pasting one token in the place of another."""
    value = env.get(name, "").strip()
    if not value:
        return None
    prefixes = PREFIXES.get(name, ("",))
    if not value.startswith(prefixes):
        raise SettingsError(name, f"does not begin with {prefixes[0]}, so it is another kind of token")
    return SecretStr(value)


def read_folder(env: Mapping[str, str], name: str) -> Path | None:
    """A folder that must exist where it is named."""
    if not env.get(name):
        return None
    folder = Path(env[name]).expanduser()
    if not folder.is_dir():
        raise SettingsError(name, f"names {folder}, which is not a folder")
    return folder


def read_api_url(url: str) -> str:
    """The address of Slack's Web API, with the slash at its end that slack_sdk relies on."""
    if not url.startswith(("https://", "http://")):
        raise SettingsError("SLACK_API_URL", "is not a web address")
    return url if url.endswith("/") else f"{url}/"


def read_web_url(url: str) -> str:
    """Where a browser finds our pages: host, perhaps a path, and no last slash."""
    parts = urlsplit(url)
    if url and (parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment):
        raise SettingsError("HOLDFAST_WEB_URL", "is not a web address of a host, perhaps with a path")
    return url.rstrip("/")


def read_web_secret(env: Mapping[str, str]) -> SecretStr | None:
    """What links are signed with: too long to be found by trying."""
    secret = read_secret(env, "HOLDFAST_WEB_SECRET")
    if secret and len(secret.get_secret_value()) < WEB_SECRET_LENGTH:
        raise SettingsError("HOLDFAST_WEB_SECRET", f"is shorter than {WEB_SECRET_LENGTH} characters")
    return secret


def read_database_url(url: str, state_folder: Path) -> str:
    """The SQLAlchemy URL of the bot's database: SQLite in the state folder unless told otherwise.

    PostgreSQL is always spoken to through psycopg 3, however the URL names it.
    """
    if not url:
        return f"sqlite:///{state_folder / 'holdfast.db'}"
    scheme, separator, rest = url.partition("://")
    if separator and scheme in POSTGRESQL_SCHEMES:
        _parse_database_url(url)
        return f"postgresql+psycopg://{rest}"
    if not url.startswith("sqlite:///"):
        raise SettingsError("HOLDFAST_DATABASE_URL", "is neither SQLite nor PostgreSQL")
    if _parse_database_url(url).database in (None, "", ":memory:"):
        raise SettingsError("HOLDFAST_DATABASE_URL", "names no file, and what is kept must outlive the bot")
    return url


def _parse_database_url(url: str) -> sa.URL:
    try:
        return sa.make_url(url)
    except (ValueError, sa.exc.ArgumentError):  # either quotes the URL, which may hold a password
        raise SettingsError("HOLDFAST_DATABASE_URL", "cannot be read as the address of a database") from None


def find_state_folder(env: Mapping[str, str]) -> Path:
    """Where the bot keeps its state by default: $XDG_STATE_HOME/holdfast or ~/.local/state/holdfast.

    A relative XDG_STATE_HOME is ignored, as the XDG Base Directory Specification demands. Creates nothing.
    """
    stated = Path(env.get("XDG_STATE_HOME", ""))
    home = Path(env["HOME"]) if env.get("HOME") else Path.home()
    return (stated if stated.is_absolute() else home / ".local" / "state") / "holdfast"


def templates_dir() -> Path:
    """The folder of all prose: beside the package both in a checkout and in an installed wheel."""
    return require_existing(PACKAGE.parent / "templates")


def manifest_path() -> Path:
    """Slack's app manifest: inside the package in an installed wheel, beside it in a checkout."""
    inside = PACKAGE / "manifest.yml"
    return inside if inside.exists() else require_existing(PACKAGE.parent / "manifest.yml")


def require_existing(path: Path) -> Path:
    """Return a path that exists. Raises FileNotFoundError, which means a broken installation."""
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: install Holdfast again")
    return path
