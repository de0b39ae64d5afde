"""Physical backups of a PostgreSQL server: its log in S3, base backups beside it, and a server restored from both."""
