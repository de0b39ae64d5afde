"""The sandbox's AWS: moto, and for what recovery depends on our own strict services in its place.

These are RDS, Secrets Manager, some CloudWatch metrics, and servers (EC2, SSM, target groups, auto-scaling).

One HTTP server answers for everything (`application`). What is strict here, is so because AWS is and moto is not:

- RDS instances take time (`pace`), and refuse with AWS's error codes what their state, a missing standby, a protection
  or a time that cannot be restored forbids. A restore has AWS's defaults wherever it says nothing.
- Secrets: a label is on one version, a token names one value, a secret to be deleted must be restored first.
- Servers are machines (`bot.sandbox.machines`): a token launches once, states take time, commands by SSM really run
  and are slow to appear, targets are healthy when they answer a probe and drain when they are taken out.
- Any call can be throttled, fail, or lose its answer, and what could change something is counted (`calls`).

Behind an RDS instance stands a real PostgreSQL on 127.0.0.1 (`rds.server`). The first one is adopted; its snapshots
are base backups, its replicas streaming standbys, its point-in-time restores replay the log to the very commit
(`rds.archive`). A failover is a crash and recovery on the same address, which is what its clients see of one.

Unlike AWS: a port in a request is ignored; an instance from CreateDBInstance has no database behind it; an adopted
server goes on when its instance is deleted; instances cannot be stopped; one base backup serves the whole retention
period, so that what is older than the adoption cannot be restored; parameter and security groups have no effect.

Tests and the demo drive it through `bot.sandbox.cloud.Cloud`.
"""
