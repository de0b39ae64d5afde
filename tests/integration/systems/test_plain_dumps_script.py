"""Cutting a script into statements: whatever is in them, and however its bytes arrive."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.systems.dumps.plain_reader import Reader
from bot.systems.dumps.plain_rules import Treatment, judge
from bot.systems.dumps.plain_script import Command, DumpRefused, Item, Remark, Rows, Script, Statement
from bot.systems.dumps.streams import ArchiveDamaged

HEAD = (
    b"-- PostgreSQL database dump\n-- Dumped from database version 15.1\n"
    b"CREATE DATABASE db WITH ENCODING = 'UTF8' LOCALE = 'C';\n"
    b"\\connect db\n"
)

# Each is one or more tokens that must not end a statement, whatever stands inside them.
QUOTED = [
    "'it''s; '", "''", "E'\\'; '", "e'a\\\\'", '"na""me; "', "$$ ; \\connect x $$", "$a$ $$;' \" $b$ ; $a$", "'\\'",
    "/* ; ' /* nested ; */ \" */", "-- ; ' \\connect\n", "(a; b)", "((;);)", "'--'", "'/*'", "a$b$c", "x'1f'", "$1",
    "U&'\\0041'", "1$a", "a::text", "[1:2]", "@-@", "é", "'é'", "::", "- -", "/ *", "begin", "end", "case",
]  # fmt: skip
fragment = st.sampled_from(QUOTED)
statements = st.lists(st.lists(fragment, min_size=1, max_size=6).map(" ".join), min_size=1, max_size=5)
row = st.text(alphabet="ab\\.;'$-é\t", max_size=12).map(lambda text: text.replace("\\", "\\\\").encode())
rows = st.lists(row, max_size=6)


def chop(text: bytes, sizes: list[int]) -> Iterator[bytes]:
    """The text in pieces of these sizes, over and over."""
    at = number = 0
    while at < len(text):
        size = sizes[number % len(sizes)]
        yield text[at : at + size]
        at, number = at + size, number + 1


def cut(text: bytes, sizes: list[int]) -> list[Item | bytes]:
    found: list[Item | bytes] = []
    for item in Script(chop(text, sizes), place="x"):
        found += [item, b"".join(item.chunks)] if isinstance(item, Rows) else [item]
    return found


@given(statements, st.lists(st.integers(1, 9), min_size=1, max_size=3))
def test_each_statement_is_found_whole(texts: list[str], sizes: list[int]) -> None:
    """Followed by a mark, so that one that swallowed its neighbour would be missed."""
    script = "".join(f"SELECT {text};\n--mark\n" for text in texts).encode()
    found = cut(script, sizes)
    assert [item.text for item in found if isinstance(item, Statement)] == [f"SELECT {text}".encode() for text in texts]
    assert found.count(Remark(b"--mark")) == len(texts)
    assert found == cut(script, [len(script)])


@given(rows, rows, st.lists(st.integers(1, 9), min_size=1, max_size=3))
def test_rows_end_where_they_end(first: list[bytes], second: list[bytes], sizes: list[int]) -> None:
    texts = [b"".join(line + b"\n" for line in lines) for lines in (first, second)]
    copied = b"COPY public.t (a, b) FROM stdin;\n"
    script = b"".join(copied + text + b"\\.\n\n" for text in texts) + b"SELECT 1;\n\\connect x\n"
    found = cut(script, sizes)
    assert [item for item in found if isinstance(item, bytes)] == texts
    assert found[-1] == Command(b"\\connect x")
    assert isinstance(found[-2], Statement)


@given(rows, st.integers(1, 9))
def test_rows_are_counted(lines: list[bytes], size: int) -> None:
    text = HEAD + b'COPY public."t t" FROM stdin;\n' + b"".join(line + b"\n" for line in lines) + b"\\.\n"
    reader = Reader("x")
    for _ in reader.admit(Script(chop(text + b"-- PostgreSQL database dump complete\n", [size]), place="x")):
        pass
    assert reader.table_rows == {("public", "t t"): len(lines)}


HEADS = [
    "SELECT", "SELECT pg_catalog.setval(", "SELECT pg_catalog.lowrite(", "CREATE", "CREATE DATABASE", "ALTER", "COPY",
    "ALTER DATABASE", "ALTER ROLE a IN DATABASE", "ALTER DATABASE db SET", "ALTER DATABASE db CONNECTION LIMIT", "SET",
    "ALTER DEFAULT PRIVILEGES", "GRANT", "REVOKE ALL ON DATABASE", "GRANT ALL ON DATABASE db", "COMMENT ON", "DROP",
    "COMMENT ON DATABASE db", "COPY public.t (", "SET SESSION AUTHORIZATION", "SET client_encoding", "CREATE EXTENSION",
    "DROP DATABASE", "RESET", "REFRESH", "BEGIN", "SECURITY LABEL", "", "ALTER TABLE t OWNER TO", "\\connect", "\\",
]  # fmt: skip
WORDS = [
    "DATABASE", "ON", "TO", "FROM", "stdin", "ROLE", "IN", "IS", "OWNER", "=", "db", '"db"', "PUBLIC", "FOR", "'x'",
    ",", ".", "NULL", "-", "7", "true", "IF", "NOT", "EXISTS", "SET", "\n", "\0", "\x80", "\\", "'", '"', "$$", "\\.\n",
    "WITH", "GRANT", "OPTION", "SESSION", "AUTHORIZATION", "UTF8", "LATIN1", "SJIS", "(", ")",
]  # fmt: skip
word = st.one_of(st.sampled_from(WORDS), fragment)
any_statement = st.builds(
    lambda head, words: f"{head} {' '.join(words)};\n", st.sampled_from(HEADS), st.lists(word, max_size=6)
)


@settings(max_examples=400)
@given(st.lists(any_statement, max_size=3).map("".join), st.booleans())
@example(text="ALTER DATABASE db SET DATABASE DATABASE 'it''s; ';\n", headed=False)
def test_whatever_comes_is_refused_in_words(text: str, headed: bool) -> None:
    """Or taken, of course; yet nothing without the end mark is ever taken for a whole dump."""
    script = (HEAD if headed else b"") + text.encode("latin-1", "replace")
    reader = Reader("x")
    with pytest.raises((DumpRefused, ArchiveDamaged), match=r"(?s)^x .*(Choose another dump|by hand)"):
        for _ in reader.admit(Script(iter([script]), place="x")):
            pass


@pytest.mark.parametrize(
    ("text", "treatment"),
    [
        ("CREATE UNIQUE INDEX i ON public.t USING btree (a)", Treatment.RUN),
        ("CREATE OR REPLACE VIEW public.v AS SELECT 1", Treatment.RUN),
        ("CREATE CONSTRAINT TRIGGER t AFTER INSERT ON public.t EXECUTE FUNCTION f()", Treatment.RUN),
        ("CREATE TEXT SEARCH CONFIGURATION public.c (PARSER = p)", Treatment.RUN),
        ("ALTER DEFAULT PRIVILEGES FOR ROLE a IN SCHEMA public GRANT SELECT ON TABLES TO b", Treatment.RUN),
        ("ALTER LARGE OBJECT 7 OWNER TO a", Treatment.RUN),
        ("ALTER TABLE ONLY public.t ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME s)", Treatment.RUN),
        ("GRANT SELECT (on_, a) ON TABLE public.t TO PUBLIC", Treatment.RUN),
        ("GRANT ALL ON LARGE OBJECT 7 TO a", Treatment.RUN),
        ("REVOKE USAGE ON SCHEMA public FROM PUBLIC", Treatment.RUN),
        ("COMMENT ON COLUMN public.t.a IS 'x'", Treatment.RUN),
        ("COMMENT ON EXTENSION pgcrypto IS 'x'", Treatment.RUN),
        ("SELECT pg_catalog.setval('public.s', -5, true)", Treatment.RUN),
        ("SELECT pg_catalog.set_config('search_path', '', false)", Treatment.RUN),
        ("SELECT pg_catalog.lowrite(0, '\\x00ff')", Treatment.RUN),
        ("SET transaction_timeout = 0", Treatment.LEAVE_OUT),
        ("SET default_with_oids = false", Treatment.LEAVE_OUT),
        ("SET SESSION AUTHORIZATION 'a'", Treatment.ACT_AS),
        ("ALTER ROLE a IN DATABASE db SET x TO 'y'", Treatment.ABOUT_DATABASE),
        ("SECURITY LABEL FOR p ON DATABASE db IS 'y'", Treatment.ABOUT_DATABASE),
    ],
)
def test_what_pg_dump_writes_has_its_place(text: str, treatment: Treatment) -> None:
    (statement,) = Script(iter([f"{text};".encode()]), place="x")
    assert isinstance(statement, Statement)
    assert judge(statement, place="x") is treatment


def test_a_refusal_quotes_no_value() -> None:
    (statement,) = Script(iter([b"ALTER USER \"secret's\" PASSWORD 'hunter2';"]), place="x")
    assert isinstance(statement, Statement)
    assert statement.beginning == "ALTER USER"
