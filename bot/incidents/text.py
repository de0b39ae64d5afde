"""Words as people give them: cleaned, kept within bounds, and matched against what is known."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Mapping

from bot.outcome import Refused

TITLE_LIMIT = 200
LINE_LIMIT = 200
TEXT_LIMIT = 10_000
NEVER_KEPT = {"Cc", "Cs"}
"""Unicode's control characters and lone surrogates; line breaks and tabs are kept all the same."""
TURNING = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They change the direction of what follows, also of our own words. Right-to-left scripts need none of them."""


def known_word(word: str, known: tuple[str, ...], what: str, example: str) -> str:
    """`word` if it is one of `known`; otherwise `Refused`, naming the nearest."""
    if word in known:
        return word
    if not word:
        raise Refused(f"{what[0].upper()}{what[1:]} is missing: {', '.join(known)}.", f"Example: {example}.")
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise Refused(f"{word[:60]!r} is not {what}: {', '.join(known)}.{hint}", f"Example: {example}.")


def known_key(word: str, titles: Mapping[str, str], what: str, example: str) -> str:
    """The key that a word stands for: itself, its title, or the one thing whose title begins so.

    Raises `Refused`, naming the nearest.
    """
    wanted = " ".join(word.lower().replace("_", " ").split())
    spoken = {key.replace("_", " "): key for key in titles} | {title.lower(): key for key, title in titles.items()}
    if wanted in spoken:
        return spoken[wanted]
    begun = {key for words, key in spoken.items() if wanted and words.startswith(wanted)}
    if len(begun) == 1:
        return begun.pop()
    return known_word(wanted.replace(" ", "_"), tuple(titles), what, example)


def clean_line(text: str, what: str, limit: int, example: str) -> str:
    """One line of text with single spaces, cut at `limit`; `Refused` when empty."""
    line = " ".join(clean_text(text, what, example).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def clean_text(text: str, what: str, example: str) -> str:
    """Text as it was written, within bounds; `Refused` when nothing in it can be seen."""
    cleaned = bounded(text)
    if not any(map(_is_visible, cleaned)):
        raise Refused(f"{what.capitalize()} is missing.", f"Example: {example}")
    return cleaned


def bounded(text: str) -> str:
    """Without control characters, which databases and terminals take badly; cut with notice."""
    lines = "\n".join(text.splitlines())
    text = "".join(sign for sign in lines if sign in "\n\t" or _is_kept(sign)).strip()
    if len(text) <= TEXT_LIMIT:
        return text
    return text[:TEXT_LIMIT] + f" … (cut: {len(text):,} characters given, {TEXT_LIMIT:,} kept)"


def _is_kept(sign: str) -> bool:
    return unicodedata.category(sign) not in NEVER_KEPT and sign not in TURNING


def _is_visible(sign: str) -> bool:
    """Neither a space nor a mark that only shapes its neighbours, such as a joiner."""
    return not sign.isspace() and unicodedata.category(sign) != "Cf"
