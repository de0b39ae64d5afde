"""mrkdwn as the page reads it, case by case, and texts of any kind."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, expect

from tests.browser.desk import open_desk


@pytest.fixture(scope="module")
def blank(browser: Browser) -> Iterator[Page]:
    """A page with the module that renders text."""
    with open_desk() as desk:
        page = browser.new_page()
        page.goto(desk.url)
        expect(page.locator("#app[aria-busy=false]")).to_be_attached()
        page.evaluate(
            """async () => {
                const script = document.querySelector('script[type=module]').src;
                const text = await import(script.replace('main.js', 'text.js'));
                const box = document.createElement('div');
                window.render = (source) => (box.replaceChildren(...text.renderMrkdwn(source)), box);
                window.plain = (source) => (box.replaceChildren(...text.renderPlain(source)), box);
            }"""
        )
        yield page
        page.close()


def html(page: Page, source: str) -> str:
    """The rendered text as HTML, without the wrapping of its lines."""
    return str(page.evaluate('source => render(source).innerHTML.replace(/ (class|dir)="[^"]*"/g, \'\')', source))


@pytest.mark.parametrize(
    ("source", "rendered"),
    [
        ("*a*", "<div><strong>a</strong></div>"),
        ("(*a*), *b*!", "<div>(<strong>a</strong>), <strong>b</strong>!</div>"),
        ("* a *", "<div>* a *</div>"),
        ("a*b*c", "<div>a*b*c</div>"),
        ("*a\nb*", "<div>*a\nb*</div>"),
        ("_a_b_", "<div><em>a_b</em></div>"),
        ("*_a_ b*", "<div><strong><em>a</em> b</strong></div>"),
        ("~a~", "<div><s>a</s></div>"),
        ("`*a* &lt;b&gt;`", "<div><code>*a* &lt;b&gt;</code></div>"),
        ("*a `b*` c*", "<div><strong>a <code>b*</code> c</strong></div>"),
        ("``` a\n b```", "<pre> a\n b</pre>"),
        ("x\n```\na\n```\ny", "<div>x</div><pre>a</pre><div>y</div>"),
        ("```open", "<div>```open</div>"),
        ("&gt; a\n> b\nc", "<blockquote>a\nb</blockquote><div>c</div>"),
        ("&gt;&gt;&gt; a\nb", "<blockquote>a\nb</blockquote>"),
        ("1 &gt; 0", "<div>1 &gt; 0</div>"),
        ("&amp;lt;", "<div>&amp;lt;</div>"),
        ("<javascript:alert(1)|x>", "<div>&lt;javascript:alert(1)|x&gt;</div>"),
        ("<!subteam^S9|@them>", "<div><span>@them</span></div>"),
        ("<!date^abc^{time}|then>", "<div>&lt;!date^abc^{time}|then&gt;</div>"),
        ("<!date^9999999999999^{time}|then>", "<div>&lt;!date^9999999999999^{time}|then&gt;</div>"),
        ("<#C9|elsewhere>", '<div><button type="button" disabled="">#elsewhere</button></div>'),
        ("10:30:45", "<div>10:30:45</div>"),
    ],
)
def test_a_source_is_rendered_so(blank: Page, source: str, rendered: str) -> None:
    assert html(blank, source) == rendered


@pytest.mark.parametrize(
    ("source", "url", "label"),
    [
        ("<https://a.org/?x=1&amp;y=2|the *label*>", "https://a.org/?x=1&y=2", "the *label*"),
        ("<https://a.org>", "https://a.org/", "https://a.org"),
        ("see https://a.org/b_c_d, or not", "https://a.org/b_c_d", "https://a.org/b_c_d"),
        ("(https://a.org/b)", "https://a.org/b", "https://a.org/b"),
        ("<mailto:x@a.org>", "mailto:x@a.org", "x@a.org"),
        ("*<https://a.org|bold>*", "https://a.org/", "bold"),
    ],
)
def test_a_link_leads_there(blank: Page, source: str, url: str, label: str) -> None:
    found = blank.evaluate(
        "source => [...render(source).querySelectorAll('a')].map(a => [a.href, a.textContent])", source
    )
    assert found == [[url, label]]


@pytest.mark.parametrize(
    ("pattern", "shown"),
    [
        ("{date_num}", "2023-11-14"),
        ("{date}", "November 14th, 2023"),
        ("{date_short} {time}", "Nov 14, 2023 11:13 PM"),
        ("{date_long}", "Tuesday, November 14th, 2023"),
        ("{time_secs}", "11:13:20 PM"),
        ("{nothing}", "fallback"),
    ],
)
def test_a_date_is_shown_in_its_format(blank: Page, pattern: str, shown: str) -> None:
    source = f"<!date^1700000000^{pattern}|fallback>"
    assert blank.evaluate("source => render(source).textContent", source) == shown


def test_today_and_yesterday_are_named(blank: Page) -> None:
    source = "s => render(`<!date^${Math.floor(Date.now() / 1000) - s}^{date_short_pretty}|x>`).textContent"
    assert blank.evaluate(source, 0) == "Today"
    assert blank.evaluate(source.replace("<!date", "due <!date"), 0) == "due today"
    assert blank.evaluate(source, 86400) in ("Yesterday", "Today")


PRINTABLE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=80)
# Emoji may come out as pictures, where the machine has no font for them.
WRITTEN = st.text(st.characters(exclude_categories=["Cs", "Cc", "So"]), max_size=80)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=WRITTEN)
def test_escaped_text_comes_out_as_it_went_in_once_its_marks_are_put_aside(blank: Page, text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    shown = blank.evaluate("source => render(source).textContent", escaped)
    marks = str.maketrans("", "", "*_~`>")
    assert squeeze(shown.translate(marks)) == squeeze(text.translate(marks))
    assert blank.evaluate("render('').ownerDocument.querySelectorAll('script').length") == 1


@settings(max_examples=60, deadline=None)
@given(text=PRINTABLE)
def test_no_text_breaks_the_reader(blank: Page, text: str) -> None:
    for source in (text, f"<{text}>", f"*{text}*", f"```{text}```", f"<!date^{text}|x>"):
        assert isinstance(blank.evaluate("source => render(source).textContent", source), str)
        assert isinstance(blank.evaluate("source => plain(source).textContent", source), str)


def squeeze(text: str) -> str:
    """The text without blanks: markup may take one after a quote's sign."""
    return "".join(text.split())
