"""The AWS of the sandbox: moto and the strict layer over it, in a process of its own, with the bucket for backups.

Tests and the demo use boto3 against `environment()`, and beside it what AWS does not offer: instances backed by a
PostgreSQL that runs already, faults, bad states, the pace, and the log of calls (`strict_cloud.control`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import requests
from botocore.config import Config

from bot.sandbox.children import Child, http_answers, module_command, module_environment
from bot.sandbox.machines.disk import Disk
from bot.sandbox.ports import free_port

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from bot.sandbox.postgres_cluster import Cluster

BUCKET = "traitortrack-backups"
REGION = "us-east-1"
MACHINES = "machines"
"""Folder for the disks of its machines."""
START_DEADLINE_S = 30.0
STOP_DEADLINE_S = 20.0
CONTROL_TIMEOUT_S = 30.0
ONE_QUICK_TRY = Config(connect_timeout=1, read_timeout=2, retries={"max_attempts": 0}, proxies={})


class CloudRefused(RuntimeError):
    """A control could not be done; the message says why."""


@dataclass(frozen=True)
class MachineFacts:
    """A machine of the cloud."""

    disk: Disk
    port: int
    """Where its application listens, on loopback."""
    is_up: bool
    state: str
    """As EC2 has it."""


class Cloud:
    """An AWS on loopback; what is stored in it is gone when it stops."""

    def __init__(self, directory: Path, *, bags_per_s: float = 0.0) -> None:
        """`bags_per_s`: what the application on each of its machines writes."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        options = ["--port", str(self.port), "--machines", str(directory / MACHINES)]
        options += ["--bags-per-second", str(bags_per_s)]
        self._child = Child(
            "cloud",
            module_command("bot.sandbox.strict_cloud", *options),
            log_path=directory / "cloud.log",
            env=module_environment(self.environment()),
        )

    @property
    def pid(self) -> int | None:
        """Process id of the cloud, None when it is down."""
        return self._child.pid

    def environment(self) -> dict[str, str]:
        """Return what boto3 needs to talk to this cloud; the keys are made up."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def start(self) -> None:
        """Start it and create the bucket, with versioning. Raises ChildFailed."""
        self._child.start()
        self._child.wait_until(lambda: http_answers(f"{self.url}/", timeout_s=10), "answering", START_DEADLINE_S)
        self.s3.create_bucket(Bucket=BUCKET)
        self.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})

    def stop(self) -> None:
        """Stop it with every database behind its instances; an adopted server goes on."""
        self._child.stop(grace_s=STOP_DEADLINE_S)

    def adopt_rds_instance(
        self, identifier: str, cluster: Cluster | None, region: str = REGION, **settings: object
    ) -> None:
        """Make a running cluster the database of an RDS instance, which is backed up from now on.

        Its endpoint is the cluster's address. `settings`: as CreateDBInstance names them; what is left out has AWS's
        default. Without a cluster nothing answers at its endpoint. Returns when it is available. Raises CloudRefused.
        """
        server = {"admin_url": cluster.admin_url, "bindir": str(cluster.bindir)} if cluster else {}
        body = {"region": region, "identifier": identifier, "settings": settings, **server}
        self._control("POST", "rds/adopt", body)
        self._child.wait_until(lambda: self._is_available(identifier, region), "available", START_DEADLINE_S)

    def stick_rds_instance(self, identifier: str, status: str | None, region: str = REGION) -> None:
        """Hold an instance in a bad state from when it would be available; it need not exist yet. None: let it go."""
        self._control("POST", "rds/stick", {"region": region, "identifier": identifier, "status": status})

    def set_replica_lag(self, identifier: str, lag_s: float | None, region: str = REGION) -> None:
        """Set what CloudWatch says of a replica (-1: unknown); None: what is measured on the standby."""
        self._control("POST", "rds/lag", {"region": region, "identifier": identifier, "lag_s": lag_s})

    def open_maintenance_window(self, identifier: str, region: str = REGION) -> None:
        """Apply an instance's pending modifications."""
        self._control("POST", "rds/maintenance", {"region": region, "identifier": identifier})

    def describe_machine(self, instance_id: str) -> MachineFacts:
        """What stands behind an EC2 instance. Raises CloudRefused."""
        found = self._control("POST", "ec2/describe", {"instance": instance_id}).json()
        return MachineFacts(Disk(Path(found["root"])), found["port"], found["up"], found["state"])

    def crash_machine(self, instance_id: str) -> None:
        """Kill a machine, init and application, as a power cut does; EC2 goes on to call it running."""
        self._control("POST", "ec2/crash", {"instance": instance_id})

    def serve_target_group(self, arn: str, port: int) -> None:
        """Let a load balancer answer on a port of loopback, for the targets of a group."""
        self._control("POST", "ec2/serve", {"target_group": arn, "port": port})

    def change_server_pace(self, **durations: float) -> None:
        """Change how long things take with servers, in seconds (`strict_cloud.ec2.datacentre.ServerPace`)."""
        self._control("POST", "ec2/pace", durations)

    def calls(self, operation: str | None = None) -> list[dict[str, object]]:
        """Return the calls so far that could have changed something (`strict_cloud.calls.Call`), oldest first."""
        calls: list[dict[str, object]] = self._control("GET", "calls").json()
        return [call for call in calls if operation in (None, call["operation"])]

    def forget_calls(self) -> None:
        """Empty the log of calls."""
        self._control("DELETE", "calls")

    def fail(self, kind: str, operation: str = "*", *, times: int = 1, service: str = "", region: str = "") -> None:
        """Let the next calls of an operation go wrong; `kind`: throttle, error, cut, lost (`calls.Fault`)."""
        fault = {"kind": kind, "operation": operation, "service": service, "times": times, "region": region}
        self._control("POST", "faults", fault)

    def stop_failing(self) -> None:
        """Disarm every fault that waits."""
        self._control("DELETE", "faults")

    def change_pace(self, **durations: float) -> None:
        """Change how long things take, in seconds, or `time_scale` (`strict_cloud.pace.Pace`)."""
        self._control("POST", "rds/pace", durations)

    def pause(self) -> None:
        """Stop the cloud's clock: no instance gets any further until `resume`."""
        self._control("POST", "rds/pause")

    def resume(self) -> None:
        """Undo `pause`."""
        self._control("POST", "rds/resume")

    def _is_available(self, identifier: str, region: str) -> bool:
        status = self._control("POST", "rds/status", {"region": region, "identifier": identifier}).json()
        if status == "failed":
            raise CloudRefused(f"{identifier} failed; the cloud's log says why:\n{self._child.log_tail()}")
        return bool(status == "available")

    def _control(self, method: str, name: str, body: Mapping[str, object] | None = None) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(method, f"{self.url}/_strict/{name}", json=body, timeout=CONTROL_TIMEOUT_S)
        if not answer.ok:
            raise CloudRefused(answer.json()["error"])
        return answer

    @cached_property
    def s3(self) -> S3Client:
        """A client of this cloud's S3 that gives up after a second or two."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",  # noqa: S106 (moto asks for any)
            config=ONE_QUICK_TRY,
        )
