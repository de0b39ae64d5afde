"""Messages and views that together hold every block and element that a page must be able to show."""

from typing import Any


def plain(text: str) -> dict[str, Any]:
    """A plain_text object."""
    return {"type": "plain_text", "text": text, "emoji": True}


def mrkdwn(text: str) -> dict[str, Any]:
    """A mrkdwn object."""
    return {"type": "mrkdwn", "text": text}


def option(text: str, value: str, description: str | None = None) -> dict[str, Any]:
    """One option of a select or a group of choices."""
    base = {"text": plain(text), "value": value}
    return base | ({"description": plain(description)} if description else {})


BACKUPS = [option(f"Backup of {hour:02}:00", f"backup-{hour}") for hour in (6, 12, 18)]
CONFIRM = {
    "title": plain("Restart the application?"),
    "text": mrkdwn("Clients lose their connection for *about 5 seconds*."),
    "confirm": plain("Restart"),
    "deny": plain("Not now"),
    "style": "danger",
}

SUMMARY: list[dict[str, Any]] = [
    {"type": "header", "text": plain(":rotating_light: INC-7 Bags are missing")},
    {
        "type": "section",
        "block_id": "facts",
        "text": mrkdwn("*Status* identified :large_orange_circle:\nSomebody ran a script that deleted most bags."),
        "fields": [
            mrkdwn("*Severity*\nP1 :red_circle:"),
            mrkdwn("*Coordinator*\n<@U0COORD>"),
            mrkdwn("*Since*\n<!date^1700000000^{date_short_pretty} at {time}|then>"),
            mrkdwn("*Channel*\n<#C0GENERAL>"),
        ],
        "accessory": {
            "type": "overflow",
            "action_id": "more",
            "options": [option("Hand over", "handover"), option("Change severity", "severity")],
        },
    },
    {"type": "divider"},
    {
        "type": "actions",
        "block_id": "decide",
        "elements": [
            {"type": "button", "action_id": "approve", "style": "primary", "text": plain("Approve"), "value": "plan-1"},
            {
                "type": "button",
                "action_id": "restart",
                "style": "danger",
                "text": plain("Restart"),
                "value": "app",
                "confirm": CONFIRM,
            },
            {"type": "button", "action_id": "details", "text": plain("Details :memo:"), "value": "plan-1"},
            {"type": "button", "action_id": "runbook", "text": plain("Runbook"), "url": "https://example.org/runbook"},
        ],
    },
    {
        "type": "context",
        "elements": [mrkdwn("Plan `3f9a1c` · asked for by <@U0DBA> · :hourglass_flowing_sand: 15 min")],
    },
]

SELECTS: list[dict[str, Any]] = [
    {
        "type": "section",
        "block_id": "pick-backup",
        "text": mrkdwn("*Backup* to restore"),
        "accessory": {
            "type": "static_select",
            "action_id": "backup",
            "placeholder": plain("Choose a backup"),
            "option_groups": [
                {"label": plain("Verified"), "options": BACKUPS[:2]},
                {"label": plain("Not verified"), "options": BACKUPS[2:]},
            ],
        },
    },
    {
        "type": "actions",
        "block_id": "pickers",
        "elements": [
            {"type": "users_select", "action_id": "person", "placeholder": plain("A person")},
            {"type": "conversations_select", "action_id": "conversation", "placeholder": plain("A conversation")},
            {"type": "channels_select", "action_id": "channel", "placeholder": plain("A channel")},
            {
                "type": "external_select",
                "action_id": "host",
                "placeholder": plain("A host"),
                "min_query_length": 1,
            },
            {"type": "datepicker", "action_id": "day", "initial_date": "2026-02-18"},
            {"type": "timepicker", "action_id": "hour", "initial_time": "14:30"},
            {"type": "datetimepicker", "action_id": "moment", "initial_date_time": 1771424400},
        ],
    },
    {
        "type": "section",
        "block_id": "many",
        "text": mrkdwn("*Tables* that matter"),
        "accessory": {
            "type": "multi_static_select",
            "action_id": "tables",
            "placeholder": plain("Choose tables"),
            "options": [option(name, name) for name in ("bag", "bill", "user", "bag_scan")],
            "initial_options": [option("bag", "bag")],
        },
    },
    {
        "type": "actions",
        "block_id": "choices",
        "elements": [
            {
                "type": "checkboxes",
                "action_id": "tell",
                "options": [
                    {"text": mrkdwn("Tell *warehouse staff*"), "value": "staff", "description": mrkdwn("by e-mail")},
                    {"text": plain("Tell management"), "value": "management"},
                ],
            },
            {
                "type": "radio_buttons",
                "action_id": "mode",
                "options": [option("Beside the live database", "beside"), option("In place", "in-place")],
                "initial_option": option("Beside the live database", "beside"),
            },
        ],
    },
]

MRKDWN = "\n".join(
    (
        "*bold* _italic_ ~strike~ `code` *_both_* snake_case_name 2*3*4",
        "> quoted line with a <https://example.org/a?b=1&amp;c=2|link>",
        "> and <mailto:ops@example.org|the desk>",
        "• one",
        "• two",
        "```SELECT count(*) FROM bag\nWHERE lost &lt; 3 -- *not bold*```",
        "<@U0COORD> <#C0GENERAL> <!here> <!date^1700000000^{date_num} {time_secs}|fallback> :tada: :no_such_emoji:",
        "Written by a machine: &lt;!channel&gt; &amp; co.",
    )
)


def _text(text: str, **style: bool) -> dict[str, Any]:
    return {"type": "text", "text": text} | ({"style": style} if style else {})


RICH: list[dict[str, Any]] = [
    {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [
                    _text("Rich "),
                    _text("bold", bold=True),
                    _text(" and "),
                    _text("struck", strike=True),
                    _text(" for "),
                    {"type": "user", "user_id": "U0COORD"},
                    _text(" in "),
                    {"type": "channel", "channel_id": "C0GENERAL"},
                    _text(" "),
                    {"type": "emoji", "name": "anchor"},
                    _text(" "),
                    {"type": "link", "url": "https://example.org/", "text": "a link"},
                    _text(" "),
                    {"type": "broadcast", "range": "here"},
                    _text(" "),
                    {"type": "date", "timestamp": 1700000000, "format": "{date_long} {time}", "fallback": "then"},
                ],
            },
            {
                "type": "rich_text_list",
                "style": "ordered",
                "elements": [
                    {"type": "rich_text_section", "elements": [_text("Restore beside the live database")]},
                    {"type": "rich_text_section", "elements": [_text("Compare with the manifest")]},
                ],
            },
            {
                "type": "rich_text_list",
                "style": "bullet",
                "indent": 1,
                "elements": [{"type": "rich_text_section", "elements": [_text("row counts <as they are>")]}],
            },
            {"type": "rich_text_quote", "elements": [_text("Nothing is destroyed by a run.")]},
            {"type": "rich_text_preformatted", "elements": [_text("bag   50,000\nbill   4,120")]},
        ],
    },
]

ATTACHMENTS: list[dict[str, Any]] = [
    {
        "color": "#2fbf7f",
        "fallback": "proof",
        "blocks": [
            {"type": "section", "text": mrkdwn("*Proof* :white_check_mark:\n50,000 of 50,000 bags, checksums equal")},
            {"type": "context", "elements": [mrkdwn("Downtime 1.8 s · loss 42 s")]},
        ],
    },
    {
        "color": "danger",
        "fallback": "old style",
        "title": "Disk is nearly full",
        "title_link": "https://example.org/disk",
        "text": "`/var` is at *91 %*",
        "fields": [
            {"title": "Host", "value": "db-1", "short": True},
            {"title": "Free", "value": "4 GB", "short": True},
        ],
        "footer": "node exporter",
        "ts": 1700000000,
    },
]


def _input(block_id: str, label: str, element: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"type": "input", "block_id": block_id, "label": plain(label), "element": element, **rest}


FORM: dict[str, Any] = {
    "type": "modal",
    "callback_id": "declare",
    "title": plain("Declare an incident"),
    "submit": plain("Declare"),
    "close": plain("Cancel"),
    "blocks": [
        {"type": "section", "text": mrkdwn("Everybody in <#C0GENERAL> will be told.")},
        _input(
            "title",
            "What is wrong?",
            {
                "type": "plain_text_input",
                "action_id": "title",
                "placeholder": plain("Bags cannot be scanned"),
                "min_length": 5,
                "max_length": 60,
            },
            hint=plain("One short sentence."),
        ),
        _input(
            "severity",
            "Severity",
            {
                "type": "static_select",
                "action_id": "severity",
                "options": [option(f"P{level}", f"P{level}") for level in (1, 2, 3, 4)],
                "initial_option": option("P2", "P2"),
            },
        ),
        _input(
            "story",
            "What is known",
            {"type": "plain_text_input", "action_id": "story", "multiline": True},
            optional=True,
        ),
        _input("people", "Who is needed", {"type": "multi_users_select", "action_id": "people"}, optional=True),
        _input(
            "rooms", "Where to announce", {"type": "multi_conversations_select", "action_id": "rooms"}, optional=True
        ),
        _input("channels", "Other channels", {"type": "multi_channels_select", "action_id": "channels"}, optional=True),
        _input(
            "hosts",
            "Hosts",
            {"type": "multi_external_select", "action_id": "hosts", "min_query_length": 0},
            optional=True,
        ),
        _input("since", "Since when", {"type": "datetimepicker", "action_id": "since"}, optional=True),
        _input("day", "Day of the last backup", {"type": "datepicker", "action_id": "day"}, optional=True),
        _input("hour", "Hour of the next update", {"type": "timepicker", "action_id": "hour"}, optional=True),
        _input(
            "loss",
            "Minutes that may be lost",
            {
                "type": "number_input",
                "action_id": "loss",
                "is_decimal_allowed": False,
                "min_value": "0",
                "max_value": "60",
            },
            optional=True,
        ),
        _input("mail", "Reply to", {"type": "email_text_input", "action_id": "mail"}, optional=True),
        _input("link", "Dashboard", {"type": "url_text_input", "action_id": "link"}, optional=True),
        _input(
            "tell",
            "Whom to tell",
            {
                "type": "checkboxes",
                "action_id": "tell",
                "options": [option("Staff", "staff"), option("Customers", "customers")],
            },
            optional=True,
        ),
        _input(
            "kind",
            "Kind",
            {
                "type": "radio_buttons",
                "action_id": "kind",
                "options": [option("Real", "real"), option("Drill", "drill", "Nobody outside is told")],
                "initial_option": option("Real", "real"),
            },
        ),
    ],
}

HOME: dict[str, Any] = {
    "type": "home",
    "blocks": [
        {"type": "header", "text": plain("Good morning")},
        {"type": "section", "text": mrkdwn("*Open incidents*\nNone. Last backup verified :white_check_mark:")},
        {"type": "divider"},
        {
            "type": "actions",
            "block_id": "home-actions",
            "elements": [
                {"type": "button", "action_id": "home_declare", "style": "danger", "text": plain("Declare an incident")}
            ],
        },
    ],
}
