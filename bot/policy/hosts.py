"""The machines that the applications run on, how each is reached, and the only commands that may run there."""

import string
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from bot.policy.section import AwsRegion, EnvironmentName, Key, Section, Text, matching

FACTS = ("service", "log_path", "install_folder", "session_folder")
"""What may stand in braces in a command: facts of the application as the policy has them, never anybody's text."""
SECRET_FACTS = (*FACTS, "secret", "version", "region")
"""What may stand in braces in the command that reads a secret: its name, the version that was approved, its region."""

ARCHIVE_FACTS = (*FACTS, "bucket", "key", "version", "region", "file")
"""And in the one that reads a code archive: the object and the version that were approved, and where it is to go."""


def require_known_facts(word: str, known: tuple[str, ...] = FACTS) -> str:
    """Return a word of a command unchanged, or raise ValueError where its braces name no fact."""
    try:
        pieces = [piece for piece in string.Formatter().parse(word) if piece[1] is not None]
    except ValueError as error:
        raise ValueError(f'"{word}" has a brace that is not closed') from error
    if any(form or conversion for _, _, form, conversion in pieces):
        raise ValueError(f'"{word}" has more than a name in its braces')
    named = [name for _, name, _, _ in pieces]
    unknown = [name for name in named if name not in known]
    if unknown:
        raise ValueError(f'"{word}": {{{unknown[0]}}} is not one of {", ".join(f"{{{name}}}" for name in known)}')
    return word


Word = Annotated[str, AfterValidator(require_known_facts)]
Command = Annotated[list[Word], Field(min_length=1)]
SecretWord = Annotated[str, AfterValidator(partial(require_known_facts, known=SECRET_FACTS))]
SecretCommand = Annotated[list[SecretWord], Field(min_length=1)]
ArchiveWord = Annotated[str, AfterValidator(partial(require_known_facts, known=ARCHIVE_FACTS))]
ArchiveCommand = Annotated[list[ArchiveWord], Field(min_length=1)]
READ_SECRET = [
    "aws", "secretsmanager", "get-secret-value", "--secret-id", "{secret}", "--version-id", "{version}",
    "--query", "SecretString", "--output", "text", "--region", "{region}",
]  # fmt: skip

READ_ARCHIVE = [
    "aws", "s3api", "get-object", "--bucket", "{bucket}", "--key", "{key}", "--version-id", "{version}",
    "--region", "{region}", "{file}",
]  # fmt: skip


class HostCommands(Section):
    """What may be run on a host, each a list of words: there is no shell that would read them."""

    restart: Command = Field(
        default_factory=lambda: ["sudo", "systemctl", "restart", "{service}"],
        examples=[["sudo", "systemctl", "restart", "{service}"]],
    )
    """Starts the application again."""
    is_running: Command = Field(
        default_factory=lambda: ["systemctl", "is-active", "{service}"],
        examples=[["systemctl", "is-active", "{service}"]],
    )
    """Ends with status 0 where the application's service runs."""
    is_healthy: Command = Field(
        default_factory=lambda: ["curl", "--fail", "--silent", "--max-time", "5", "http://localhost:5000/health"],
        examples=[["curl", "--fail", "--silent", "--max-time", "5", "http://localhost:5000/health"]],
    )
    """Ends with status 0 where the application on this very host answers well."""
    started: Command = Field(
        default_factory=lambda: ["systemctl", "show", "--property", "InvocationID", "--value", "{service}"],
        examples=[["systemctl", "show", "--property", "InvocationID", "--value", "{service}"]],
    )
    """Prints what is another after each start of the service, such as systemd's invocation id."""
    python: Command = Field(default_factory=lambda: ["python3"], examples=[["sudo", "python3"]])
    """Starts Python 3.8 or newer, for the programs that recovery actions bring with them; as who may write there."""
    read_secret: SecretCommand = Field(default_factory=lambda: list(READ_SECRET), examples=[READ_SECRET])
    """Prints one version of a secret, asked for on the host with the host's own rights."""
    read_archive: ArchiveCommand = Field(default_factory=lambda: list(READ_ARCHIVE), examples=[READ_ARCHIVE])
    """Writes one version of a code archive to a file, asked for on the host with the host's own rights."""
    environment: Command = Field(
        default_factory=lambda: ["python3", "-m", "venv"], examples=[["python3.12", "-m", "venv"]]
    )
    """Makes a virtual environment for a release, at the path that is added to it."""
    dependencies: Command = Field(
        default_factory=lambda: ["python", "-m", "pip", "install", "--requirement", "requirements.txt"],
        examples=[["python", "-m", "pip", "install", "--requirement", "requirements.txt"]],
    )
    """Installs what a release needs; run in it where it has a requirements.txt, its environment first on the PATH."""
    workers: Command = Field(
        default_factory=lambda: ["ps", "-C", "gunicorn", "-o", "pid=,etimes=,pcpu=,rss=,args="],
        examples=[["ps", "-C", "gunicorn", "-o", "pid=,etimes=,pcpu=,rss=,args="]],
    )
    """Lists the application's processes, one a line; none is status 1."""
    newest_log: Command = Field(
        default_factory=lambda: ["tail", "-n", "500", "{log_path}"], examples=[["tail", "-n", "500", "{log_path}"]]
    )
    """Prints the newest lines of the application's log."""
    load: Command = Field(default_factory=lambda: ["cat", "/proc/loadavg"], examples=[["cat", "/proc/loadavg"]])
    """Prints the load as Linux has it in /proc/loadavg."""
    processors: Command = Field(default_factory=lambda: ["nproc"], examples=[["nproc"]])
    """Prints the number of processors."""
    memory: Command = Field(default_factory=lambda: ["cat", "/proc/meminfo"], examples=[["cat", "/proc/meminfo"]])
    """Prints the memory as Linux has it in /proc/meminfo."""
    clock: Command = Field(default_factory=lambda: ["date", "+%s"], examples=[["date", "+%s"]])
    """Prints the time, in seconds since 1970."""
    processes: Command = Field(
        default_factory=lambda: ["ps", "-eo", "pid=,ppid=,stat=,cputimes=,comm="],
        examples=[["ps", "-eo", "pid=,ppid=,stat=,cputimes=,comm="]],
    )
    """Lists all processes: number, parent's number, state, seconds of processor time, name."""
    open_files: Command = Field(
        default_factory=lambda: ["cat", "/proc/sys/fs/file-nr"], examples=[["cat", "/proc/sys/fs/file-nr"]]
    )
    """Prints how many files are open as Linux has it in /proc/sys/fs/file-nr."""
    inodes: Command = Field(default_factory=lambda: ["df", "-P", "-i"], examples=[["df", "-P", "-i"]])
    """Prints the file systems with their inodes as df does."""
    log_written: Command = Field(
        default_factory=lambda: ["stat", "-c", "%Y %s", "{log_path}"], examples=[["stat", "-c", "%Y %s", "{log_path}"]]
    )
    """Prints when the application's log was written last, in seconds since 1970, and its bytes."""
    disks: Command = Field(default_factory=lambda: ["df", "-P", "-k"], examples=[["df", "-P", "-k"]])
    """Prints the file systems as POSIX has df print them, in KiB."""


class Host(Section):
    """A machine that an application runs on."""

    title: Text
    """What people call it."""
    application: Key = Field(examples=["traitortrack"])
    """Key of the application in `applications`."""
    reach: Literal["ssm", "ssh", "local"]
    """How commands get there: AWS Systems Manager, SSH, or the bot's own machine."""
    instance_id: Annotated[str, matching(r"m?i-[0-9a-f]{8,17}", "the id of an instance such as i-0abc")] | None = Field(
        default=None, examples=["i-0123456789abcdef0"]
    )
    """Id of the instance; `ssm` only."""
    region: AwsRegion | None = Field(default=None, examples=["us-east-1"])
    """Its region; `ssm` only."""
    address: Annotated[str, matching(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,252}", "a host name or address")] | None = Field(
        default=None, examples=["app-1.example.com"]
    )
    """Name or address; `ssh` only."""
    port: int = Field(default=22, ge=1, le=65535, examples=[22])
    """Its port; `ssh` only."""
    user: Annotated[str, matching(r"[a-z_][a-z0-9_-]{0,31}", "a login name")] | None = Field(
        default=None, examples=["holdfast"]
    )
    """Login name; `ssh` only."""
    host_key: (
        Annotated[str, matching(r"(ssh|ecdsa)-[a-z0-9-]+ [A-Za-z0-9+/=]+", 'a public key, as "ssh-ed25519 AAAA…"')]
        | None
    ) = Field(default=None, examples=["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA"])
    """The host's public key, as `ssh-keyscan` prints it; one that shows another is not spoken to. `ssh` only."""
    private_key_env: EnvironmentName | None = Field(default=None, examples=["HOLDFAST_SSH_KEY"])
    """Environment variable with the private key itself; `ssh` only."""
    commands: HostCommands = Field(
        default=HostCommands(), examples=[{"restart": ["sudo", "systemctl", "restart", "{service}"]}]
    )
    """What may be run there."""

    @model_validator(mode="after")
    def check_reach(self) -> "Host":
        """Refuse a host without what it cannot be reached without."""
        needed = {
            "ssm": ("instance_id", "region"),
            "ssh": ("address", "user", "host_key", "private_key_env"),
            "local": (),
        }
        missing = [name for name in needed[self.reach] if getattr(self, name) is None]
        if missing:
            raise ValueError(f"`{missing[0]}` is needed to reach it by {self.reach}")
        return self


def fill_command(words: list[str], facts: dict[str, str]) -> Iterator[str]:
    """A command's words with the application's facts in place of the braces."""
    for word in words:
        yield word.format_map(facts)
