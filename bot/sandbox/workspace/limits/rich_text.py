"""Rich text blocks (docs.slack.dev, "Rich text block")."""

from __future__ import annotations

from bot.sandbox.workspace.limits.rules import Rule, array, boolean, integer, one_of, record, string, tagged

_STYLES = ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink")
_STYLE = record({}, dict.fromkeys(_STYLES, boolean))
_STYLED = {"style": _STYLE}
_ID = string(1, 255)

_INLINE: dict[str, Rule] = {
    "text": record({"text": string(1)}, _STYLED),
    "link": record({"url": string(1, 3000)}, {"text": string(1), "unsafe": boolean, **_STYLED}),
    "user": record({"user_id": _ID}, _STYLED),
    "channel": record({"channel_id": _ID}, _STYLED),
    "usergroup": record({"usergroup_id": _ID}, _STYLED),
    "team": record({"team_id": _ID}, _STYLED),
    "emoji": record({"name": string(1, 255)}, {"unicode": string(), "skin_tone": integer(1, 6), **_STYLED}),
    "broadcast": record({"range": one_of("here", "channel", "everyone")}, _STYLED),
    "color": record({"value": string(1, 255)}, _STYLED),
    "date": record(
        {"timestamp": integer(0), "format": string(1)}, {"url": string(1, 3000), "fallback": string(), **_STYLED}
    ),
}
_ELEMENTS = array(tagged(_INLINE))
_SECTION: dict[str, Rule] = {"rich_text_section": record({"elements": _ELEMENTS})}
_BORDER = {"border": integer(0, 1)}

RICH_TEXT: dict[str, Rule] = {
    **_SECTION,
    "rich_text_list": record(
        {"style": one_of("bullet", "ordered"), "elements": array(tagged(_SECTION), 1)},
        {"indent": integer(0, 8), "offset": integer(0), **_BORDER},
    ),
    "rich_text_preformatted": record(
        {"elements": array(tagged(_INLINE, ("text", "link", "date", "color")))}, {**_BORDER, "language": string()}
    ),
    "rich_text_quote": record({"elements": _ELEMENTS}, _BORDER),
}
