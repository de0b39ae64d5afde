"""What tests put into databases."""

from __future__ import annotations

import psycopg

UNUSUAL_SCHEMA = '''
    CREATE SCHEMA "Odd ""Schema""";
    CREATE TYPE mood AS ENUM ('calm', 'angry');
    CREATE DOMAIN weight AS numeric(8, 2) CHECK (VALUE >= 0);
    CREATE TYPE spot AS (x int, y int);
    CREATE TYPE stretch AS RANGE (subtype = float8);
    CREATE AGGREGATE total (int) (sfunc = int4pl, stype = int, initcond = '0');
    CREATE OPERATOR === (leftarg = int, rightarg = int, function = int4eq);
    CREATE TEXT SEARCH CONFIGURATION plain (COPY = simple);
    ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

    CREATE TABLE "Odd ""Schema"""."Table.with ""quotes"" and ünïcode" (
        "select" int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        "naïve column" text,
        doubled int GENERATED ALWAYS AS (42) STORED
    );
    INSERT INTO "Odd ""Schema"""."Table.with ""quotes"" and ünïcode" ("naïve column")
        VALUES ('tab\there'), (E'real\ttab, \\\\., \\n'), (NULL), ('مرحبا 👜');

    CREATE TABLE everything (
        id uuid PRIMARY KEY, doc json, docb jsonb, place point, feeling mood, feelings mood[],
        kilos weight, where_at spot, numbers int[], tags text[], bytes bytea, at timestamptz, span interval,
        period tstzrange, address inet, bits bit varying, searched tsvector, related regclass, f float8
    );
    INSERT INTO everything VALUES (
        'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a":  1}', '{"b": 2}', '(1,2)', 'angry',
        '{calm,angry}', 12.5, '(3,4)', '{1,NULL,3}', '{"a,b","c\\"d"}', '\\xdeadbeef', now(), '1 day 2 hours',
        '[2025-01-01,2025-02-01)', '10.0.0.1/8', B'101', 'a fat cat', 'everything', 'NaN'
    ), ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        'infinity', NULL, 'empty', NULL, NULL, NULL, NULL, '-0');

    CREATE INDEX by_tag ON everything USING gin (tags);
    CREATE INDEX "odd index; 1 2 INDEX" ON everything ((lower(tags[1])));

    CREATE TABLE pages (id int, page xml);
    DO $$ BEGIN
        INSERT INTO pages VALUES (1, '<a>b</a>');
    EXCEPTION WHEN feature_not_supported THEN  -- some builds have no libxml
        INSERT INTO pages VALUES (1, NULL);
    END $$;

    CREATE TABLE measured (at date NOT NULL, value int) PARTITION BY RANGE (at);
    CREATE TABLE measured_2024 PARTITION OF measured FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    CREATE TABLE measured_rest PARTITION OF measured DEFAULT;
    INSERT INTO measured SELECT date '2024-12-01' + i, i FROM generate_series(1, 100) i;

    CREATE TABLE parent (a int);
    CREATE TABLE child (b int) INHERITS (parent);
    INSERT INTO parent VALUES (1);
    INSERT INTO child VALUES (2, 3);

    CREATE UNLOGGED TABLE fleeting AS SELECT i FROM generate_series(1, 10) i;
    CREATE TABLE nothing ();
    INSERT INTO nothing DEFAULT VALUES;

    CREATE TABLE hen (id int PRIMARY KEY, egg_id int);
    CREATE TABLE egg (id int PRIMARY KEY, hen_id int REFERENCES hen DEFERRABLE INITIALLY DEFERRED);
    INSERT INTO hen VALUES (1, 1);
    INSERT INTO egg VALUES (1, 1);
    ALTER TABLE hen ADD FOREIGN KEY (egg_id) REFERENCES egg DEFERRABLE INITIALLY DEFERRED;

    CREATE MATERIALIZED VIEW summary AS SELECT count(*) AS bags FROM everything;
    CREATE UNIQUE INDEX ON summary (bags);
    CREATE VIEW calm AS SELECT * FROM everything WHERE feeling = 'calm';

    CREATE SEQUENCE down INCREMENT -1 MINVALUE -100 START -5;
    SELECT nextval('down');
    CREATE SEQUENCE untouched START 77;

    CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'triggers must not fire while restoring'; END $$;
    CREATE TRIGGER noisy BEFORE INSERT ON hen FOR EACH ROW EXECUTE FUNCTION shout();

    SELECT lo_from_bytea(0, '\\x0102030405'), lo_from_bytea(0, decode(repeat('ab', 300000), 'hex'));
    COMMENT ON TABLE hen IS 'comes first';
    GRANT SELECT ON hen TO PUBLIC;
'''


def execute(url: str, statements: str) -> None:
    """Run a script in one transaction."""
    with psycopg.connect(url) as connection:
        connection.execute(statements)


def fetch(url: str, query: str) -> list[tuple[object, ...]]:
    """All rows of a query."""
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


KEYED_SCHEMA = """
    CREATE TABLE hen (id int PRIMARY KEY, mother int REFERENCES hen);
    CREATE TABLE nest (hen int NOT NULL CONSTRAINT "nest's; hen" REFERENCES hen ON DELETE CASCADE);
    COMMENT ON CONSTRAINT "nest's; hen" ON nest IS 'a nest has a hen';
    CREATE TABLE egg (id int, laid date, hen int REFERENCES hen, PRIMARY KEY (id, laid)) PARTITION BY RANGE (laid);
    CREATE TABLE egg_2024 PARTITION OF egg FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    CREATE TABLE chick (hen int REFERENCES hen DEFERRABLE INITIALLY DEFERRED, egg int, laid date,
                        CONSTRAINT hatched FOREIGN KEY (egg, laid) REFERENCES egg);
    INSERT INTO hen SELECT i, nullif(i - 1, 0) FROM generate_series(1, 100) AS i;
    INSERT INTO nest SELECT i FROM generate_series(1, 100) AS i;
    INSERT INTO egg SELECT i, '2024-05-05', i FROM generate_series(1, 100) AS i;
    INSERT INTO chick SELECT i, i, '2024-05-05' FROM generate_series(1, 100) AS i;
    INSERT INTO chick VALUES (NULL, NULL, NULL);
    CREATE TABLE fox (hen int);
    INSERT INTO fox VALUES (4711);
    ALTER TABLE fox ADD CONSTRAINT caught FOREIGN KEY (hen) REFERENCES hen NOT VALID;
"""
