"""docs/policy.md describes every key, `policy show` shows every value."""

from itertools import pairwise
from pathlib import Path

import pytest

from bot.diagnostics.metrics import METRICS
from bot.policy import Policy, load_policy, render_policy
from bot.policy.keys import list_keys, write_example
from bot.policy.reference import render_reference

DOCS = Path(__file__).parents[3] / "docs" / "policy.md"


@pytest.fixture(scope="module")
def shown() -> str:
    return render_policy(load_policy(None))


def test_every_key_is_documented() -> None:
    text = DOCS.read_text(encoding="utf-8")
    missing = [".".join(key.path) for key in list_keys() if f"| `{'.'.join(key.path)}` |" not in text]
    assert missing == []


def test_each_key_is_one_row_of_its_table() -> None:
    """A description of two lines would end the table in the middle."""
    rows = [line for line in render_reference().splitlines() if line and not line.startswith("#")]
    assert [line for line in rows if not (line.startswith(("| ", "|---"))) or not line.endswith("|")] == []


def test_the_reference_in_the_docs_is_the_one_that_the_models_give() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert text.strip().endswith(render_reference().strip()), "run: python -m bot.policy.reference"


def test_every_key_has_a_description_and_an_example() -> None:
    for key in list_keys():
        assert key.description.endswith("."), key.path
        assert write_example(key.path).startswith(f"{key.path[-1]}: "), key.path


def test_show_fits_a_terminal(shown: str) -> None:
    assert max(map(len, shown.splitlines())) <= 110


@pytest.mark.parametrize(
    "fact",
    ["TraitorTrack", "next business day", "acceptable loss", "PRODUCTION_DATABASE_URL", "amara.okafor@example.com",
     "03:00-04:00", "traitortrack-primary", "Detection 5 minutes", "semi-annually", "goes without saying"],
)  # fmt: skip
def test_show_tells_the_facts(shown: str, fact: str) -> None:
    flat = " ".join(shown.split())
    assert (fact in flat) == (fact != "goes without saying")


def test_show_has_a_heading_for_each_section(shown: str) -> None:
    lines = shown.splitlines()
    headings = [above for above, below in pairwise(lines) if below and set(below) == {"="}]
    plain = {"product", "description", "time_zone"}
    assert [heading.lower().replace(" ", "_") for heading in headings] == [
        name for name in Policy.model_fields if name not in plain
    ]


def test_every_metric_is_documented() -> None:
    text = DOCS.with_name("charts.md").read_text(encoding="utf-8")
    assert [key for key in METRICS if f"`{key}`" not in text] == []
