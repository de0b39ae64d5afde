"""The audit log of a warehouse: what makes a real database of this kind large, and its rows wide.

The document's database has 27 kB a bag, most of it history. The demo's warehouse alone has four narrow scans a bag,
which are so regular that they gzip to a seventh. With this table the whole dump gzips to about a quarter; the one on
which the aims were set did to 29 %.
"""

from __future__ import annotations

import psycopg

TABLE = """
CREATE TABLE audit_log (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    at         timestamptz NOT NULL,
    actor      integer,
    action     text NOT NULL,
    bag_id     bigint NOT NULL,
    request    uuid NOT NULL,
    address    text,
    agent      text,
    before     text,
    after      text,
    signature  text NOT NULL
)
"""
# What the application wrote down as text: two states of the bag, with the noise that labels, scales and scanners make.
ROWS = """
INSERT INTO audit_log (at, actor, action, bag_id, request, address, agent, before, after, signature)
SELECT bag.created_at + n * interval '11 minutes' + random() * interval '9 minutes', 2 + (bag.id + n) %% 39,
       (ARRAY['bag.received', 'bag.moved', 'bag.billed', 'bag.delivered', 'bag.note'])[1 + (bag.id + n) %% 5], bag.id,
       gen_random_uuid(), format('10.%%s.%%s.%%s', bag.id %% 4, n, (random() * 250)::int),
       (ARRAY['warehouse-scanner/4.2.1 (TC22; Android 13)', 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:120.0)'])
           [1 + (random() * 1.2)::int],
       format('{"status": "%%s", "weight_kg": %%s, "qr": "%%s", "signal": %%s}', bag.status,
              round(bag.weight_grams / 1000.0, 3), md5(bag.id::text), round((random() * -90)::numeric, 3)),
       format('{"status": "%%s", "weight_kg": %%s, "qr": "%%s", "seal": "%%s", "lat": %%s, "lon": %%s, "to": "%%s"}',
              bag.status, round(bag.weight_grams / 1000.0, 3) + n, md5(bag.id::text), md5(random()::text),
              51 + round(random()::numeric, 6), 4 + round(random()::numeric, 6), bag.destination),
       md5(random()::text) || md5(random()::text)
FROM bag, generate_series(1, %s) AS n
"""
CONSTRAINTS = """
ALTER TABLE audit_log ADD PRIMARY KEY (id), ADD FOREIGN KEY (actor) REFERENCES "user" (id);
CREATE INDEX audit_log_bag ON audit_log (bag_id, at);
"""


def seed_audit_log(database_url: str, entries_per_bag: int) -> None:
    """Add the table to a seeded warehouse: so many entries of about 450 bytes for each bag."""
    with psycopg.connect(database_url, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute("SELECT setseed(0.5)")
        connection.execute(TABLE)
        connection.execute(ROWS, (entries_per_bag,))
        connection.execute(CONSTRAINTS)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ANALYZE audit_log")
