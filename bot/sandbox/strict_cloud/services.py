"""The strict services, imported when they are asked for: most stages use only S3, and moto's EC2 takes a second."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from bot.sandbox.strict_cloud.pace import Ticker

if TYPE_CHECKING:
    from bot.sandbox.strict_cloud.ec2.balancing import Balancers
    from bot.sandbox.strict_cloud.ec2.datacentre import Datacentre
    from bot.sandbox.strict_cloud.rds.state import World

RDS = {"rds", "monitoring"}  # as requests are signed for; CloudWatch knows the lag of replicas
SERVERS = {"ec2", "ssm", "elasticloadbalancing", "autoscaling"}


class Services:
    """Puts our services in moto's place before its own are used for the first time."""

    def __init__(self, machines: Path, *, bags_per_s: float = 0.0) -> None:
        """`machines`: the folder for their disks; `bags_per_s`: what the application on each of them writes."""
        self._machines, self._bags_per_s = machines, bags_per_s
        self._lock = threading.Lock()
        self._world: World | None = None
        self._datacentre: Datacentre | None = None
        self._balancers: Balancers | None = None
        self._tickers: list[Ticker] = []

    def prepare(self, service: str) -> None:
        """Make a service strict, if we have it."""
        if service in RDS:
            self.rds()
        elif service in SERVERS:
            self.servers()
        elif service == "secretsmanager":
            from bot.sandbox.strict_cloud import secrets_manager  # noqa: PLC0415 (see above)

            secrets_manager.install()

    def rds(self) -> World:
        """Return what exists in RDS."""
        with self._lock:
            if self._world is None:
                from bot.sandbox.strict_cloud import metrics  # noqa: PLC0415 (see above)
                from bot.sandbox.strict_cloud.rds import wire  # noqa: PLC0415 (see above)

                self._world = wire.install()
                metrics.install()
                self._tickers.append(Ticker(self._world.advance))
            return self._world

    def servers(self) -> Datacentre:
        """Return what stands behind EC2, SSM and the load balancers."""
        with self._lock:
            if self._datacentre is None:
                from bot.sandbox.strict_cloud import ssm  # noqa: PLC0415 (see above)
                from bot.sandbox.strict_cloud.ec2 import balancing, scaling, wire  # noqa: PLC0415 (see above)
                from bot.sandbox.strict_cloud.ec2.datacentre import Datacentre  # noqa: PLC0415 (see above)

                self._datacentre = Datacentre(self._machines, bags_per_s=self._bags_per_s)
                wire.install(self._datacentre)
                ssm.install(self._datacentre)
                self._balancers = balancing.Balancers(self._datacentre)
                balancing.install(self._balancers, self._datacentre)
                scaling.install(scaling.Scaling(self._datacentre, self._balancers))
                self._tickers.append(Ticker(self._datacentre.advance))
            return self._datacentre

    def balancers(self) -> Balancers:
        """Return the load balancers."""
        self.servers()
        assert self._balancers is not None
        return self._balancers

    def stop(self) -> None:
        """Stop every database and every machine of ours."""
        for ticker in self._tickers:
            ticker.stop()
        if self._balancers is not None:
            self._balancers.close()
        if self._datacentre is not None:
            self._datacentre.close()
        if self._world is not None:
            self._world.stop()
