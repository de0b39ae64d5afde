"""RDS: states over time, refusals, defaults and pending changes as AWS has them, with a real PostgreSQL behind each."""
