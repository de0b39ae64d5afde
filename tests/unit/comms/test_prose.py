"""Prose: what people wrote is shown as they wrote it, in Markdown too."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.comms.prose import Prose, plain_markdown


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("plain words, 2 - 1 = 1", "plain words, 2 - 1 = 1"),
        ("traitortrack_before_run12", "traitortrack_before_run12"),
        ("*bold* and _slanted_", r"\*bold\* and \_slanted\_"),
        ("# no heading\n## nor this", "\\# no heading\n\\## nor this"),
        ("- no item\n1. nor this", "\\- no item\n1\\. nor this"),
        ("[link](https://evil.example)", r"\[link](https://evil.example)"),
        ("<img src=x>", r"\<img src=x>"),
        ("`code` and \\", r"\`code\` and \\"),
        ("> quoted", r"\> quoted"),
    ],
)
def test_markdown_of_people_is_not_obeyed(written: str, shown: str) -> None:
    assert plain_markdown(written) == shown


def test_values_are_escaped_once_and_the_template_is_not(tmp_path: Path) -> None:
    (tmp_path / "slack").mkdir()
    (tmp_path / "page.md").write_text("# {{ title }}\n- {{ text | indented }}\n| {{ cell | cell }} | **yes** |\n")
    prose = Prose(tmp_path)
    assert prose.markdown("page.md", title="*A*", text="*one*\ntwo", cell="a|*b*\nc") == (
        "# \\*A\\*\n- \\*one\\*\n  two\n| a\\|\\*b\\* c | **yes** |\n"
    )
