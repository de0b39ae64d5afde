"""Machines, regions, names and repositories, and what takes over when one fails."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from bot.policy.durations import PositiveDuration
from bot.policy.section import (
    AwsRegion,
    DurationRange,
    EnvironmentName,
    RepositoryAddress,
    S3Location,
    Section,
    Text,
    WebAddress,
    matching,
)

NameServer = Annotated[
    str,
    matching(r"authoritative|[0-9]{1,3}(\.[0-9]{1,3}){3}(:[0-9]{1,5})?|[0-9a-fA-F]*(:[0-9a-fA-F]*){2,7}", "an address"),
]
RecordType = Literal["A", "AAAA", "CNAME"]


class Regions(Section):
    """AWS regions (document: Component Inventory, Annual Full DR Simulation)."""

    primary: AwsRegion
    """Where the product runs."""
    secondary: AwsRegion
    """Where it is rebuilt when the first is gone."""

    @model_validator(mode="after")
    def check_different(self) -> "Regions":
        """Refuse to fail over to the place that failed."""
        if self.primary == self.secondary:
            raise ValueError("`secondary` is the same region as `primary`")
        return self


class SecondRegion(Section):
    """What an instance belongs to in the second region, where nothing of the first one may be asked any more."""

    subnet_group: Text
    """Its subnet group."""
    parameter_group: Text
    """Its parameter group."""
    security_groups: list[Text] = Field(min_length=1)
    """Names of its security groups, in the network of the subnet group."""
    largest_storage_gib: int | None = Field(default=None, ge=20, examples=[200])
    """How far RDS lets its storage grow by itself, in GiB; where unset, not at all."""


class RdsInstance(Section):
    """The managed database server (document: Restore from AWS RDS Automated Backup, Database Failover)."""

    instance: Text
    """Identifier of the primary instance."""
    restored_instance: Text
    """Identifier of an instance that is restored from a backup."""
    read_replica: Text
    """Identifier of the read replica."""
    instance_class: Text
    """Class of a restored instance."""
    larger_instance_class: Text
    """Class to go to when the server is too small."""
    publicly_accessible: bool
    """Whether a restored instance has a public address."""
    multi_az: bool
    """Whether a standby in another availability zone is wanted."""
    failover_time: DurationRange
    """How long the standby takes to become the primary."""
    point_in_time_restore_time: DurationRange
    """How long a restore to a point in time takes."""
    promotion_time: DurationRange
    """How long the read replica takes to become a primary."""
    database: Text
    """Key of `databases` that lives on the instance."""
    replica_lag_at_most: PositiveDuration
    """How far behind a read replica may be and still be promoted."""
    copy_kms_key: Text
    """KMS key of the second region that copies of encrypted snapshots are encrypted with; keys do not leave theirs."""
    second_region: SecondRegion | None = Field(
        default=None,
        examples=[
            {
                "subnet_group": "traitortrack-database",
                "parameter_group": "traitortrack-postgres",
                "security_groups": ["traitortrack-database"],
            }
        ],
    )
    """What an instance that is restored in the second region belongs to."""
    copy_at_most: PositiveDuration = Field(default=timedelta(days=1), examples=["1 day"])
    """The newest copy of a snapshot in the second region that is older than this is reported."""
    poll_every: PositiveDuration
    """How often the state of an instance is asked for while it changes."""
    give_up_after: PositiveDuration
    """How long a change of an instance is waited for."""


class AutoScaling(Section):
    """The group that replaces application servers (document: Auto-Scaling Group)."""

    group: Text
    """Name of the auto-scaling group."""
    launch_template: Text
    """Name of the launch template."""
    instance_type: Text
    """EC2 type of a server."""
    instance_profile: Text
    """IAM instance profile of a server."""
    min_size: int = Field(ge=0)
    """Fewest servers."""
    desired_capacity: int = Field(ge=0)
    """Usual number of servers."""
    max_size: int = Field(ge=1)
    """Most servers."""
    health_check_type: Literal["ELB", "EC2"]
    """Who decides that a server is ill."""
    health_check_grace: PositiveDuration
    """How long a new server is left alone."""
    poll_every: PositiveDuration
    """How often the state of a server is asked for while it changes."""

    @model_validator(mode="after")
    def check_sizes(self) -> "AutoScaling":
        """Refuse sizes that contradict one another."""
        if not self.min_size <= self.desired_capacity <= self.max_size:
            raise ValueError("sizes must be in order: min_size, desired_capacity, max_size")
        return self


class DnsFailover(Section):
    """The name that moves to a backup (document: DNS Failover)."""

    provider: Literal["cloudflare"]
    """Who serves the name."""
    primary: WebAddress
    """Address that is watched."""
    backup: WebAddress
    """Address that takes over."""
    check_interval: PositiveDuration
    """Time between two checks."""
    failure_threshold: int = Field(ge=1)
    """Failed checks in a row that mean failure."""
    failover_time: DurationRange
    """How long it takes until the backup is used."""
    token_env: EnvironmentName = Field(default="CLOUDFLARE_API_TOKEN", examples=["CLOUDFLARE_API_TOKEN"])
    """Environment variable with an API token that may read the zone and edit its DNS and load balancers."""
    api_url: WebAddress = Field(
        default="https://api.cloudflare.com/client/v4", examples=["https://api.cloudflare.com/client/v4"]
    )
    """Where the interface is."""
    resolvers: list[NameServer] = Field(
        default_factory=lambda: ["authoritative", "1.1.1.1"], min_length=1, examples=[["authoritative", "1.1.1.1"]]
    )
    """Who is asked whether a failover has arrived: addresses, with `:port` where needed; `authoritative` stands for the
    name servers of the zone."""
    primary_pool: Text | None = Field(default=None, examples=["traitortrack-primary"])
    """Name of the load balancer's pool of the primary; where unset, the one that is no backup."""
    backup_pool: Text | None = Field(default=None, examples=["traitortrack-backup"])
    """Name of the pool that takes over; where unset, the one with the backup's address."""
    primary_records: dict[RecordType, Text] = Field(default_factory=dict, examples=[{"A": "203.0.113.10"}])
    """What the records of the name hold in normal times, by type, where no load balancer is on it: for the way home."""


class CodeSource(Section):
    """Where the code can be had (document: Git Repository Backup, Deployment from Backup)."""

    primary: RepositoryAddress = Field(examples=["https://github.com/org/traitortrack"])
    """Repository that is worked in; https, ssh or file, without a password, which belongs into Git's configuration."""
    mirror: RepositoryAddress = Field(examples=["https://gitlab.com/org/traitortrack"])
    """Repository elsewhere whose branches and tags must be the same."""
    archive: S3Location
    """Where code archives lie when no repository answers."""
    archive_file: Text
    """Name of the newest archive there."""
    deploy_time: DurationRange
    """How long a deployment on a new server takes."""


class Leftovers(Section):
    """What deploys and repairs leave on a host, and how long it stays there before `prune_hosts` may remove it."""

    keep_releases: int = Field(default=5, ge=2, examples=[5])
    """So many of the releases that were used last stay, whatever their age."""
    releases_for: PositiveDuration = Field(default=timedelta(days=30), examples=["30 days"])
    """How long a release stays after it ran last, or was made: so long a deployment can be undone without Git."""
    old_secrets_for: PositiveDuration = Field(default=timedelta(days=7), examples=["7 days"])
    """How long a copy of the environment file stays: so long `write_environment` can be undone."""
    unfinished_for: PositiveDuration = Field(default=timedelta(days=1), examples=["1 day"])
    """What a deployment that did not come to its end has brought is rubbish from then on."""
    one_user: bool = Field(default=False, examples=[True])
    """Whether only processes of the user that `commands.python` runs as ever work in a release. Where others may, it
    has to run as root: only root sees where they work, and no release goes while one of them may work in it."""


class Infrastructure(Section):
    """What the product runs on, and what takes over."""

    regions: Regions
    """AWS regions."""
    rds: RdsInstance
    """The managed database server."""
    auto_scaling: AutoScaling
    """The group that replaces application servers."""
    dns: DnsFailover
    """The name that moves to a backup."""
    code: CodeSource
    """Where the code can be had."""
    isolation_group: Annotated[str, matching(r"sg-[0-9a-f]{8,17}", "the id of a security group")] | None = Field(
        default=None, examples=["sg-0123456789abcdef0"]
    )
    """Security group that lets nobody in, for servers that are shut off; best with a way out to SSM on port 443."""
    leftovers: Leftovers = Field(default=Leftovers(), examples=[{"keep_releases": 5, "old_secrets_for": "7 days"}])
    """What deploys and repairs leave on hosts, and how long it stays."""
