"""What Holdfast remembers: tables, migrations, and the hash-chained ledger."""
