"""The databases that are watched and recovered, and how they are backed up."""

from typing import Annotated, Literal

from pydantic import Field

from bot.policy.durations import PositiveDuration
from bot.policy.section import (
    AbsolutePath,
    AwsRegion,
    EnvironmentName,
    Key,
    S3Location,
    Section,
    Text,
    matching,
)

CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
ClockTime = Annotated[str, matching(CLOCK, 'a time such as "02:00"')]
Window = Annotated[str, matching(f"{CLOCK}-{CLOCK}", 'a window such as "03:00-04:00"')]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

# Classes that give an object back at once: a restore cannot wait hours for a thaw.
StorageClass = Literal["STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"]


class BackupLocation(S3Location):
    """Where the archives of a database lie."""

    storage_class: StorageClass
    """S3 storage class of new archives; only those that can be read at once."""
    region: AwsRegion
    """AWS region of the bucket."""


class PlainDumpObjects(S3Location):
    """Where plain dumps lie in S3."""

    region: AwsRegion
    """AWS region of the bucket."""


class PlainDumps(Section):
    """The plain `.sql.gz` dumps that the document's backup script wrote (`pg_dump --clean --if-exists --create`)."""

    objects: PlainDumpObjects | None = Field(default=None)
    """Where the script uploaded them."""
    local_folder: AbsolutePath | None = Field(default=None, examples=["/backups/traitortrack"])
    """The folder on the bot's machine that dumps may be restored from, and no other."""
    untrusted_extensions: list[Text] = Field(default_factory=list, examples=[["pg_stat_statements"]])
    """Extensions that a dump may create although PostgreSQL does not call them trusted, so not bound to a database."""


class Database(Section):
    """A PostgreSQL database that the bot looks after; its key is the name of the database."""

    title: Text
    """What people call it."""
    connection_env: EnvironmentName
    """Environment variable with the application's own connection URL."""
    recovery_env: EnvironmentName
    """Environment variable with the URL of a role that may restore; where unset, `connection_env` is used."""
    maintenance_database: Text
    """Database on the same server to work from while the product's own is swapped."""
    disaster: Key
    """Key of `disasters`: its RTO and phases apply to a restore."""
    rpo: Key
    """Key of `rpo`: how much may be lost."""
    component: Key
    """Key of `components` that the database is."""
    environment: Key = "production"
    """What it serves: `production`, or a name of your choice; approvals may depend on it."""
    application: Key
    """Key of `applications` that lives on it."""
    backups: BackupLocation
    """Where its archives are."""
    plain_dumps: PlainDumps | None = Field(default=None)
    """The plain dumps of the time before those archives."""
    expected_restore: PositiveDuration
    """How long a restore takes while there are no measurements of this installation."""
    long_query_after: PositiveDuration
    """A query that runs longer is reported."""
    terminate_query_after: PositiveDuration
    """A query that runs longer may be ended."""
    protected_sessions: list[Text] = Field(default_factory=list)
    """Names of applications (with `*`) whose sessions are never ended; dumps and the bot's own are not in any case."""
    expected_settings: dict[Text, list[Text]] = Field(
        default_factory=lambda: {
            "fsync": ["on"], "full_page_writes": ["on"], "autovacuum": ["on"], "track_counts": ["on"],
            "default_transaction_read_only": ["off"],
        },
        examples=[{"fsync": ["on"], "autovacuum": ["on"]}],
    )  # fmt: skip
    """Settings of the server, each with the values that are right; any other is reported."""
    loss_tables: dict[Text, Text] = Field(min_length=1)
    """Tables by which loss is counted, each with the column that says when a row came to be."""


class AutomatedDailyBackup(Section):
    """What RDS does by itself every day."""

    window: Window
    """When it starts, in UTC, as RDS wants it."""
    retention: PositiveDuration
    """How long it is kept."""
    storage: Text
    """Where it is kept."""


class ManualWeeklyBackup(Section):
    """The full dump once a week."""

    weekday: Weekday
    """On which day."""
    at: ClockTime
    """At what time, in the policy's time zone."""
    local_folder: AbsolutePath
    """Folder of the copies kept on the machine."""
    local_retention: PositiveDuration
    """How long a copy is kept on the machine."""
    s3_retention: PositiveDuration
    """How long a copy is kept in S3."""


class WalArchiving(Section):
    """The continuous backup that the RPO rests on."""

    archive_timeout: PositiveDuration
    """Longest time between two archived segments, thus the most that can be lost."""
    expected_settings: dict[Text, list[Text]]
    """Server settings, each with the values that are right."""
    location: S3Location
    """Where segments go on a self-managed server."""
    region: AwsRegion
    """AWS region of that bucket."""


class BaseBackups(Section):
    """Copies of the whole self-managed server, from which its archived log is replayed."""

    location: BackupLocation
    """Where they are."""
    every: PositiveDuration
    """The newest one older than this is reported: the older it is, the longer a recovery to a moment takes."""


class Pruning(Section):
    """What is never deleted, whatever its age, and when nothing is deleted at all."""

    keep_at_least: Annotated[int, Field(ge=1)]
    """So many of the newest verified backups are kept."""
    newest_at_most: PositiveDuration
    """When the newest verified backup is older, nothing is deleted."""
    size_drop_percent: Annotated[int, Field(ge=1, le=99)]
    """A newest backup that is smaller than the median of those before by more than this is an alarm."""
    unfinished_after: PositiveDuration
    """What an unfinished backup or upload left is rubbish from then on."""


class BackupSchedule(Section):
    """The backups of the document's Backup Strategy."""

    automated_daily: AutomatedDailyBackup
    """What RDS does by itself every day."""
    manual_weekly: ManualWeeklyBackup
    """The full dump once a week."""
    wal: WalArchiving
    """The continuous backup that the RPO rests on."""
    base: BaseBackups
    """Copies of the whole self-managed server, from which its archived log is replayed."""
    pruning: Pruning
    """What is never deleted, and when nothing is."""
