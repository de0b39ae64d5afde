/**
 * Drawings of the emoji that matter in an incident, for machines without an emoji font.
 *
 * A drawing is a text of parts, "colour path; colour path", on a 20 by 20 grid; a "~" before the colour draws the
 * line instead of the surface. "@" names a ground to draw on: @disc, @tile.
 */

const DISC = "M10 1.8a8.2 8.2 0 1 0 0 16.4 8.2 8.2 0 0 0 0-16.4z";
const TILE = "M4.5 2h11A2.5 2.5 0 0 1 18 4.5v11a2.5 2.5 0 0 1-2.5 2.5h-11A2.5 2.5 0 0 1 2 15.5v-11A2.5 2.5 0 0 1 4.5 2z";
const HAND = "M3 9h3l3.2-6.5c1.6-.3 2.3.9 2 2.3L10.6 8H16c1 0 1.6.8 1.4 1.7l-1.3 6c-.2.8-.8 1.3-1.6 1.3H6.5L3 16.5z";
const PERSON = "M10 9.5a3.6 3.6 0 1 0 0-7.2 3.6 3.6 0 0 0 0 7.2zM3.2 18c.4-4.3 3-6.3 6.8-6.3s6.4 2 6.8 6.3z";
const SHEET = "M4.5 1.8h8l3.5 3.5v12.9H4.5z";
const LINES = "M7 8h6M7 11h6M7 14h4";
const FOLDER = "M2 4.5c0-.6.4-1 1-1h4.5l1.7 2H17c.6 0 1 .4 1 1v9c0 .6-.4 1-1 1H3c-.6 0-1-.4-1-1z";
const GLASS = "M5 2h10M5 18h10M6 2.5c0 4.5 3.5 5 3.5 7.5S6 13 6 17.5M14 2.5c0 4.5-3.5 5-3.5 7.5s3.5 3 3.5 7.5";
const CLOCK = "M10 5.5V10l3 2";
const BODY = "M4 9h12v8.5H4z";
const LENS = "M8.5 2.5a6 6 0 1 0 0 12 6 6 0 0 0 0-12z";
const HEART = "M10 17.5C4.5 13.5 2 10.8 2 7.5 2 3 8 2 10 5.8 12 2 18 3 18 7.5c0 3.3-2.5 6-8 10z";
const STAR = "M10 1.5l2.6 5.4 5.9.8-4.3 4.1 1.1 5.9L10 14.9l-5.3 2.8 1.1-5.9L1.5 7.7l5.9-.8z";
const MEGAPHONE = "M2.5 8v4.5l3 .5L15 17V3.5L5.5 7.5z";
const BELL = "M3.5 14.5C5 13 5 11.5 5 9a5 5 0 0 1 10 0c0 2.5 0 4 1.5 5.5zM8 16h4a2 2 0 0 1-4 0z";
const ENVELOPE = "M2 4.5h16v11H2z";
const FACE = "~ink M6.5 12c.8 1.5 2 2.2 3.5 2.2s2.7-.7 3.5-2.2; ink M7 7.2v1.6M13 7.2v1.6; ~ink M7.2 7.5v1M12.8 7.5v1";
const POINTS = { up: "M10 15V5M6 9l4-4 4 4", down: "M10 5v10M6 11l4 4 4-4", left: "M15 10H5M9 6l-4 4 4 4", right: "M5 10h10M11 6l4 4-4 4" };

const colours = { red: "🔴🟥", orange: "🟠🟧", yellow: "🟡🟨", green: "🟢🟩", blue: "🔵🟦", purple: "🟣🟪", brown: "🟤🟫", black: "⚫⬛", white: "⚪⬜" };

const TABLE = `
✅ green @tile; ~white M5.5 10.5 8.7 13.7 14.8 6.5
☑ blue @tile; ~white M5.5 10.5 8.7 13.7 14.8 6.5
✔ ~ink M3.5 11 8 15.5 16.5 5
❌ ~red M4 4l12 12M16 4 4 16
✖ ~ink M4 4l12 12M16 4 4 16
❎ green @tile; ~white M6 6l8 8M14 6l-8 8
➕ ~ink M10 3.5v13M3.5 10h13
➖ ~ink M3.5 10h13
⚠ yellow M10 2 19 17.5H1z; ~black M10 7.5v4.5M10 14.8v.1
🚨 red M5 14.5V10a5 5 0 0 1 10 0v4.5z; grey M3 14.5h14V18H3z; ~orange M10 1v1.5M3 4l1.2 1.2M17 4l-1.2 1.2; white M8 9.5c0-1.2.8-2 2-2v5H8z
⛔ red @disc; white M4.5 8.3h11v3.4h-11z
🚫 ~red M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM4.7 4.7l10.6 10.6
🛑 red M6.5 2h7L18 6.5v7L13.5 18h-7L2 13.5v-7z; white M5 8.5h10v3H5z
❗ ~red M10 3v8.5M10 16v.1
❓ ~red M6.5 6.5C6.5 2 14 2 13.5 6.5c-.2 2.5-3.5 2.5-3.5 5.5M10 16.5v.1
‼ ~red M6.5 3v8.5M6.5 16v.1M13.5 3v8.5M13.5 16v.1
ℹ blue @tile; ~white M10 9.5v5M10 6v.1
⏳ paper M6.5 2.5h7c0 3-2 4.5-3.5 6.5-1.5-2-3.5-3.5-3.5-6.5z; yellow M6.5 17.5c0-3 2-4 3.5-6 1.5 2 3.5 3 3.5 6z; ~brown ${GLASS}
⌛ yellow M6.5 17.5c0-3 2-4 3.5-6 1.5 2 3.5 3 3.5 6z; ~brown ${GLASS}
⏱ grey M8 1h4v2.5H8z; white M10 3.5a7.2 7.2 0 1 0 0 14.4 7.2 7.2 0 0 0 0-14.4z; ~grey M10 3.5a7.2 7.2 0 1 0 0 14.4 7.2 7.2 0 0 0 0-14.4zM10 6.5v4.2
⏰ red M2 5.5 5.5 2 7 3.5 3.5 7zM18 5.5 14.5 2 13 3.5 16.5 7z; white M10 3.5a7.2 7.2 0 1 0 0 14.4 7.2 7.2 0 0 0 0-14.4z; ~red M10 3.5a7.2 7.2 0 1 0 0 14.4 7.2 7.2 0 0 0 0-14.4zM10 7v4l2.5 1.5
🕐 white @disc; ~grey ${DISC}${CLOCK}
🕒 white @disc; ~grey ${DISC}${CLOCK}
🕘 white @disc; ~grey ${DISC}${CLOCK}
📅 paper M2.5 3.5h15v14h-15z; red M2.5 3.5h15V8h-15z; ~grey M6 11h2M12 11h2M6 14h2M12 14h2
📆 paper M2.5 3.5h15v14h-15z; red M2.5 3.5h15V8h-15z; ~grey M6 11h2M12 11h2M6 14h2M12 14h2
🗓 paper M2.5 3.5h15v14h-15z; blue M2.5 3.5h15V8h-15z; ~grey M6 11h2M12 11h2M6 14h2M12 14h2
🔒 ~steel M6.5 9V6.5a3.5 3.5 0 0 1 7 0V9; yellow ${BODY}; ~brown M10 12v2
🔓 ~steel M6.5 9V5a3.5 3.5 0 0 1 6.8-1; yellow ${BODY}; ~brown M10 12v2
🔐 ~steel M6.5 9V6.5a3.5 3.5 0 0 1 7 0V9; yellow ${BODY}; ~brown M10 12v2
🔑 ~yellow M6.5 9.5a3.5 3.5 0 1 1 .1 0zM8.5 9l8 8M13 13.5l2-2M15.5 16l1.5-1.5
🛡 blue M10 1.5 17 4v6c0 4-3 6.5-7 8.5-4-2-7-4.5-7-8.5V4z; ~white M6.5 10 9 12.5 13.5 7.5
🔔 yellow ${BELL}
🔕 grey ${BELL}; ~red M3 3l14 14
📣 orange ${MEGAPHONE}; ~grey M6.5 13.5 8 17.5
📢 blue ${MEGAPHONE}; ~grey M6.5 13.5 8 17.5
📝 paper ${SHEET}; ~grey M7 7h5M7 10h4; ~orange M17.5 7.5 10 15l-.8 2
✏ ~orange M16.5 3.5 5 15l-1.5 2
📋 brown M3.5 3h13v15.5h-13z; paper M5.5 5h9v11.5h-9z; grey M7 1.5h6V5H7z; ~grey M7.5 8.5h5M7.5 11.5h5
📄 paper ${SHEET}; ~grey ${LINES}
📃 paper ${SHEET}; ~grey ${LINES}
📑 paper ${SHEET}; ~grey ${LINES}; red M14 3h3v3h-3z
📜 paper M5 2h11v13c0 2-1 3-3 3H5z; ~brown M8 6h5M8 9h5M8 12h3
📒 yellow M3.5 2h13v16h-13z; brown M3.5 2h3v16h-3z
📖 blue M1.5 4h17v13h-17z; paper M3 3.5c3-.5 5 0 7 1.5v11c-2-1.5-4-2-7-1.5zM17 3.5c-3-.5-5 0-7 1.5v11c2-1.5 4-2 7-1.5z; ~grey M10 5v11
📚 green M2 4h5v14H2z; blue M7.5 2.5h5V18h-5z; red M13 5h4.5v13H13z
📊 paper @tile; green M4.5 10h3v5.5h-3z; red M8.5 5h3v10.5h-3z; blue M12.5 8h3v7.5h-3z
📈 paper @tile; ~red M4 14.5 8 10.5l3 2 5-7
📉 paper @tile; ~blue M4 5.5 8 9l3-1.5 5 7
📁 yellow ${FOLDER}
📂 yellow ${FOLDER}; orange M4.5 9H19l-2.5 7.5H2z
🗂 steel ${FOLDER}; yellow M4 8h12v2H4z
🗃 brown M2 6h16v11.5H2z; paper M4 3h12v3H4z; steel M7 10h6v2.5H7z
🗄 steel M3.5 2h13v16h-13z; ~grey M3.5 10h13M8.5 6h3M8.5 14h3
📦 brown M2 6l8-4 8 4v9l-8 4-8-4z; orange M2 6l8 4 8-4-8-4z; ~paper M6 4l8 4v3.5
💾 blue M2.5 2.5h12l3 3v12h-15z; paper M5.5 10.5h9v7h-9z; steel M6 2.5h7V7H6z
💿 steel @disc; white M10 7a3 3 0 1 0 0 6 3 3 0 0 0 0-6z
💻 grey M3.5 3.5h13v9.5h-13z; blue M5 5h10v6.5H5z; steel M1 14h18l-1.5 3h-15z
🖥 grey M1.5 3h17v11.5h-17z; blue M3 4.5h14V12H3z; steel M7 15h6l1 2.5H6z
🔧 ~steel M16.5 5.5 13.5 8 11.5 6.5 13.5 3a4.5 4.5 0 0 0-5.3 6L3 15l2 2 6-5.2a4.5 4.5 0 0 0 5.5-6.3z
🔨 ~brown M11 8 4 16.5; grey M8 2.5l8 5.5-2.5 3.5L6.5 6c0-1.5.5-2.5 1.5-3.5z
🛠 ~steel M4 4l12 12; ~brown M16 4 4 16; grey M13 2l5 5-2.5 1.5-4-4z
⚙ grey M8.5 1.5h3l.5 2.5 2.2.9 2.1-1.4 2.1 2.1-1.4 2.1.9 2.3 2.6.5v3l-2.6.5-.9 2.2 1.4 2.1-2.1 2.1-2.1-1.4-2.2.9-.5 2.1h-3L8 17.9l-2.2-.9-2.1 1.4-2.1-2.1L3 14.2 2.1 12l-.6-.5v-3L4 8l.9-2.2-1.4-2.1 2.1-2.1L7.7 3z; canvas M10 7a3 3 0 1 0 0 6 3 3 0 0 0 0-6z
🔗 ~blue M8.5 11.5a3.5 3.5 0 0 0 5 0l2.5-2.5a3.5 3.5 0 0 0-5-5l-1 1M11.5 8.5a3.5 3.5 0 0 0-5 0L4 11a3.5 3.5 0 0 0 5 5l1-1
🔍 paper ${LENS}; ~blue ${LENS}M13 13l4.5 4.5
🔎 paper ${LENS}; ~blue ${LENS}M13 13l4.5 4.5
💡 yellow M10 1.5a6 6 0 0 1 3.5 10.8V15h-7v-2.7A6 6 0 0 1 10 1.5z; grey M7 15.5h6V18H7z
🔥 red M10.5 1.5c.5 3.5 5.5 5.5 5.5 10.5 0 4-2.7 6.5-6 6.5s-6-2.5-6-6c0-3 1.7-4.5 2.5-6 .5 1.5 1 2 2 2.5 0-3 .5-5.5 2-7.5z; yellow M10 18c-2 0-3.2-1.5-3.2-3.3 0-2 1.7-2.7 2.7-4.7 2 1.5 3.7 2.7 3.7 4.9 0 1.8-1.2 3.1-3.2 3.1z
⚡ yellow M11.5 1 3.5 11.5h5L7 19l9-11h-5.5z
💥 orange M10 1l1.7 4.5L15.5 3l-.3 4.5L19.5 8l-3.7 2.7 2.7 3.8-4.3-.6-.7 4.6L10 15l-3.5 3.5-.7-4.6-4.3.6 2.7-3.8L.5 8l4.3-.5L4.5 3l3.8 2.5z; yellow M10 6.5l1 2.5 2.5.8-2.2 1.5.2 2.5L10 12.3l-1.5 1.5.2-2.5-2.2-1.5L9 9z
🐛 ~green M3 13c2-6 4 2 7-3s4-2 7-4; red M16.5 4a2 2 0 1 0 0 4 2 2 0 0 0 0-4z
🚀 steel M17.5 2.5C12 3 8 6 6.5 10.5l3 3C14 12 17 8 17.5 2.5z; red M6.5 10.5 2.5 11.5 5.5 7.5zM9.5 13.5l-1 4 4-3z; blue M12.5 6a1.6 1.6 0 1 0 0 3.2 1.6 1.6 0 0 0 0-3.2z; orange M5 13c-2 1-2.5 3-2.5 4.5 1.5 0 3.5-.5 4.5-2.5z
🎉 yellow M2 18.5 6.5 7l6.5 6.5z; ~red M12 8c1-2 2.5-2.5 5-2M10 5.5c.5-1.5 0-3-1-4; ~blue M14 12c2-.5 3.5 0 4.5 1; ~green M15 2.5v.1M18 9v.1M12.5 3.5v.1
🎊 yellow M2 18.5 6.5 7l6.5 6.5z; ~red M12 8c1-2 2.5-2.5 5-2; ~blue M14 12c2-.5 3.5 0 4.5 1
⭐ yellow ${STAR}
🌟 yellow ${STAR}
✨ yellow M8 4l1.7 4.3L14 10l-4.3 1.7L8 16l-1.7-4.3L2 10l4.3-1.7zM15.5 1.5l.9 2.1 2.1.9-2.1.9-.9 2.1-.9-2.1-2.1-.9 2.1-.9zM15.5 13l.8 1.7 1.7.8-1.7.8-.8 1.7-.8-1.7-1.7-.8 1.7-.8z
❤ red ${HEART}
🧡 orange ${HEART}
💛 yellow ${HEART}
💚 green ${HEART}
💙 blue ${HEART}
💜 purple ${HEART}
👍 yellow ${HAND}
👎 yellow M3 11h3l3.2 6.5c1.6.3 2.3-.9 2-2.3L10.6 12H16c1 0 1.6-.8 1.4-1.7l-1.3-6C15.9 3.5 15.3 3 14.5 3h-8L3 3.5z
👀 white M6 3c2.2 0 3.8 3 3.8 7s-1.6 7-3.8 7-3.8-3-3.8-7S3.8 3 6 3zM14 3c2.2 0 3.8 3 3.8 7s-1.6 7-3.8 7-3.8-3-3.8-7S11.8 3 14 3z; ~grey M6 3c2.2 0 3.8 3 3.8 7s-1.6 7-3.8 7-3.8-3-3.8-7S3.8 3 6 3zM14 3c2.2 0 3.8 3 3.8 7s-1.6 7-3.8 7-3.8-3-3.8-7S11.8 3 14 3z; black M4.8 8.5a1.8 2.3 0 1 0 .1 4.6 1.8 2.3 0 0 0-.1-4.6zM12.8 8.5a1.8 2.3 0 1 0 .1 4.6 1.8 2.3 0 0 0-.1-4.6z
🙌 yellow M2.5 7.5 5 5.5l2.5 2.5v8.5h-3zM17.5 7.5 15 5.5l-2.5 2.5v8.5h3z; ~orange M10 1.5V4M6.5 2.5l.8 1.5M13.5 2.5l-.8 1.5
👏 yellow M4 9l6-6 2 2-3 3 5-4 1.5 2-4 3.5 4-2 1 2-6.5 7c-3 2.5-8-2.5-6-7.5z
🙏 blue M3.5 15h5v3.5h-5zM11.5 15h5v3.5h-5z; yellow M9.8 1.5v16l-5.3-2.5C5 10 7.5 5 9.8 1.5zM10.2 1.5v16l5.3-2.5C15 10 12.5 5 10.2 1.5z
👋 yellow M5 10 3.5 5.5l2-1L8 8 6.5 3l2-.7L11 7.5 10.5 3l2-.2 1.5 6.7 1.5-2c1.5-.5 2 .5 1.5 2-1 3-1 8.5-6 8.5-3.5 0-5-4-6-8z
💪 yellow M3 15c0-5 1-9 4-12l4 1-1 4c3-2 7 0 7.5 4 .3 4-3 5.5-7.5 5.5S3 17 3 15z
👤 grey ${PERSON}
👥 steel M14 9a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM9 18c.4-4 2-6 5-6s4.6 2 5 6z; grey M7 10a3.4 3.4 0 1 0 0-6.8A3.4 3.4 0 0 0 7 10zM1 18.5c.4-4.5 2.5-6.5 6-6.5s5.6 2 6 6.5z
🤖 steel @tile; blue M6 6.5h2.5V9H6zM11.5 6.5H14V9h-2.5z; ~grey M6.5 13.5h7M10 2V.5
🙂 yellow @disc; ${FACE}
😄 yellow @disc; ${FACE}
😀 yellow @disc; ${FACE}
😊 yellow @disc; ${FACE}
🤔 yellow @disc; ~ink M7 13.5c2-1 4-1 6-.5M7.2 7.5v1M12.8 7.5v1M5.5 5.5l2.5-1
😱 blue @disc; white M7 6.5h1.6v3H7zM11.4 6.5H13v3h-1.6zM8 12h4v4.5H8z
😬 yellow @disc; white M5.5 11.5h9v3h-9z; ~ink M7.2 7.5v1M12.8 7.5v1M5.5 11.5h9v3h-9z
💬 white M2 3.5h16v10.5H9.5L5.5 18v-4H2z; ~grey M2 3.5h16v10.5H9.5L5.5 18v-4H2zM6 8.7v.1M10 8.7v.1M14 8.7v.1
📌 red M7 1.5h6l-.8 6 3.3 3.5h-11l3.3-3.5z; ~grey M10 11.5v7
📍 red M10 1.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9z; ~grey M10 11v7.5
📎 ~grey M15.5 9.5 10 15a3.3 3.3 0 0 1-4.7-4.7l6-6a2.2 2.2 0 0 1 3.1 3.1l-5.9 5.9
🔖 red M5.5 1.5h9v17L10 14.5l-4.5 4z
🏷 orange M2 3h8l8 8-7 7-9-8.5z; white M5.5 5a1.3 1.3 0 1 0 0 2.6 1.3 1.3 0 0 0 0-2.6z
📧 paper ${ENVELOPE}; ~blue ${ENVELOPE}M2.5 5l7.5 6 7.5-6
✉ paper ${ENVELOPE}; ~grey ${ENVELOPE}M2.5 5l7.5 6 7.5-6
📨 paper ${ENVELOPE}; ~blue ${ENVELOPE}M2.5 5l7.5 6 7.5-6
📥 steel M2 11h4.5l1 2.5h5l1-2.5H18v6.5H2z; ~blue M10 2v7.5M6.5 6.5 10 10l3.5-3.5
📤 steel M2 11h4.5l1 2.5h5l1-2.5H18v6.5H2z; ~blue M10 10V2.5M6.5 6 10 2.5 13.5 6
📞 red M5 2.5 8 3l1 4-2 1.5c1 2 2.5 3.5 4.5 4.5L13 11l4 1 .5 3c-1 2-2.5 2.5-4.5 2C8 15.5 4 11.5 3 7c-.3-2 .3-3.5 2-4.5z
📟 black M2 5h16v10.5H2z; green M4 7h12v4H4z; grey M5 13h3v1H5z
📱 black M5.5 1.5h9v17h-9z; blue M6.8 3.5h6.4v11.5H6.8z
🌐 blue @disc; ~white M2.5 10h15M10 2.5c-5 5-5 10 0 15M10 2.5c5 5 5 10 0 15
⬆ blue @tile; ~white ${POINTS.up}
⬇ blue @tile; ~white ${POINTS.down}
⬅ blue @tile; ~white ${POINTS.left}
➡ blue @tile; ~white ${POINTS.right}
↗ blue @tile; ~white M6 14l8-8M8 6h6v6
↘ blue @tile; ~white M6 6l8 8M14 8v6H8
🔄 blue @tile; ~white M5.5 8.5a5 5 0 0 1 9-1V5M14.5 11.5a5 5 0 0 1-9 1V15M14.5 7.5H12M5.5 12.5H8
🔁 blue @tile; ~white M5 9V6.5h8.5M11.5 4.5l2 2-2 2M15 11v2.5H6.5M8.5 11.5l-2 2 2 2
↩ blue @tile; ~white M8 5 5 8l3 3M5 8h6.5a3.5 3.5 0 0 1 0 7H8
⏪ blue @tile; white M10 5.5v9L4.5 10zM16 5.5v9L10.5 10z
⏩ blue @tile; white M10 5.5v9l5.5-4.5zM4 5.5v9L9.5 10z
▶ blue @tile; white M7 5v10l8-5z
⏸ blue @tile; white M6 5.5h3v9H6zM11 5.5h3v9h-3z
⏹ blue @tile; white M6 6h8v8H6z
🔀 blue @tile; ~white M4 6.5h3l6 7h3M4 13.5h3l6-7h3M14 4.5l2 2-2 2M14 11.5l2 2-2 2
🏁 black M3 2h14v10H3z; white M3 2h3.5v3.3H3zM10 2h3.5v3.3H10zM6.5 5.3H10v3.4H6.5zM13.5 5.3H17v3.4h-3.5zM3 8.7h3.5V12H3zM10 8.7h3.5V12H10z; ~grey M3 2v16.5
🚩 red M4 2l12 4.5L4 11z; ~grey M4 2v16.5
⚓ ~blue M10 2a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM10 6v12M6 9h8M3 11.5c.5 4 3.5 6.5 7 6.5s6.5-2.5 7-6.5
🛟 ~red M10 4a6 6 0 1 0 0 12 6 6 0 0 0 0-12z; ~white M10 2.5v3M10 14.5v3M2.5 10h3M14.5 10h3
🧯 red M7 7h6v11H7z; ~grey M10 7V4h4l1.5 2.5M8 3h4
🧪 ~steel M7.5 2h5M8.5 2v12.5a1.5 1.5 0 0 0 3 0V2; green M8.5 9h3v5.5a1.5 1.5 0 0 1-3 0z
🔬 ~grey M5 17.5h10M8 4l4 6M12.5 8c3 1.5 3 7-1 9.5M7 12h4
🧹 ~brown M16.5 2.5 10 9.5; yellow M9 8.5l3 3-3 6.5-6-6z
🗑 steel M4 6h12l-1 12.5H5z; ~grey M3 5.5h14M8 3h4M8 9v6M12 9v6
🎯 red @disc; white M10 4.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11z; red M10 7.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z
🏆 yellow M5.5 2h9v5c0 3-2 5-4.5 5s-4.5-2-4.5-5zM9 12h2v3H9zM6 15.5h8V18H6z; ~orange M5.5 4H2.5c0 3 1 4.5 3.5 5M14.5 4h3c0 3-1 4.5-3.5 5
☁ steel M5.5 16a4 4 0 0 1-.5-8 5.5 5.5 0 0 1 10.5 1 3.5 3.5 0 0 1 0 7z
🌊 blue M1 17c2-10 8-13 13-10-3-.5-4.5 2-3 4 2 2.5 5 2 8 1.5V17z
🩺 ~blue M5 2.5v5a4 4 0 0 0 8 0v-5M9 11.5V14a3.5 3.5 0 0 0 7 0v-2; grey M16 9a1.7 1.7 0 1 0 0 3.4A1.7 1.7 0 0 0 16 9z
🚑 white M1 5h11.5v9.5H1zM13 8h3l3 3.5v3h-6z; ~red M6.5 7v5M4 9.5h5; ~grey M1 5h11.5v9.5H1zM13 8h3l3 3.5v3h-6z; black M5 12.8a1.9 1.9 0 1 0 0 3.8 1.9 1.9 0 0 0 0-3.8zM15 12.8a1.9 1.9 0 1 0 0 3.8 1.9 1.9 0 0 0 0-3.8z
🚒 red M1 6h11.5v8.5H1zM13 7h3.5l2.5 4v3.5h-6z; ~steel M1.5 4.5H12; black M5 12.8a1.9 1.9 0 1 0 0 3.8 1.9 1.9 0 0 0 0-3.8zM15 12.8a1.9 1.9 0 1 0 0 3.8 1.9 1.9 0 0 0 0-3.8z
🚚 steel M1 5h11v9.5H1z; green M12.5 8H16l3 3.5v3h-6.5z; black M5 12.8a1.9 1.9 0 1 0 0 3.8 1.9 1.9 0 0 0 0-3.8zM15 12.8a1.9 1.9 0 1 0 0 3.8 1.9 1.9 0 0 0 0-3.8z
🔌 ~grey M4 16c4 0 3-4 6-5; black M9 7l5 5c2.5-.5 4-2.5 4-5L13.5 3C11 3 9 4.5 9 7z; ~steel M14.5 4 17 1.5M17 6.5 19.5 4
📡 steel M3 6c0 6 5 11 11 11z; ~grey M8.5 11.5 13 7M6 18.5h6; red M13 5.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3z
🎭 yellow M2 3h9v6c0 3-2 4.5-4.5 4.5S2 12 2 9z; blue M9.5 8H18v5c0 3-2 4.5-4.3 4.5S9.5 16 9.5 13z; ~ink M4.5 6.5h1M8 6.5h1M5 9.5c1 1 2 1 3 0M12 11.5h1M15.5 11.5h1M12.5 15c1-1 2-1 3 0
☕ paper M3 7h11v6c0 2.5-1.5 4-4 4H7c-2.5 0-4-1.5-4-4z; ~brown M14 8.5h1.5a2 2 0 0 1 0 5H14M6.5 2v2.5M10.5 2v2.5; brown M4.5 8h8v1.5h-8z
🏭 brown M2 18V8l5 3V8l5 3V2h3.5l1 16z; yellow M5 13.5h2v2H5zM9.5 13.5h2v2h-2z
🏢 steel M4 2h12v16.5H4z; blue M6.5 4.5h2.5v2.5H6.5zM11 4.5h2.5v2.5H11zM6.5 9h2.5v2.5H6.5zM11 9h2.5v2.5H11z; brown M8.5 14h3v4.5h-3z
🏠 red M1.5 10 10 2.5 18.5 10z; paper M4 10h12v8H4z; brown M8 12.5h4V18H8z
🔺 red M10 3l8 14H2z
🔻 red M10 17 2 3h16z
🔸 orange M10 4.5 15.5 10 10 15.5 4.5 10z
🔹 blue M10 4.5 15.5 10 10 15.5 4.5 10z
🔶 orange M10 1.5 18.5 10 10 18.5 1.5 10z
🔷 blue M10 1.5 18.5 10 10 18.5 1.5 10z
💯 ~red M2.5 6 4 5v8M7.5 5.5c-2 1-2 7 0 7.5 2-.5 2-6.5 0-7.5zM14 5c-2.5 1-2.5 7 0 7.5 2.5-.5 2.5-6.5 0-7.5zM3 17l13-2
🧳 brown M3 6.5h14v11.5H3z; ~grey M7.5 6V3h5v3; ~orange M6.5 6.5V18M13.5 6.5V18
💰 yellow M7 2h6l-1.5 4C15.5 8 17.5 11 17.5 14c0 3-2.5 4.5-7.5 4.5S2.5 17 2.5 14c0-3 2-6 6-8z; ~brown M12 10.5c-1-1-4-1-4 .5s4 1 4 2.7-3 1.7-4 .6M10 9v7.5
🧾 paper M4.5 1.5h11v17l-2-1.5-1.8 1.5-1.7-1.5-1.7 1.5L6.5 17l-2 1.5z; ~grey M7 6h6M7 9h6M7 12h4
🆕 blue @tile; ~white M4.5 12.5v-5l3 5v-5M9.5 7.5v5h2M9.5 7.5h2M9.5 10h1.5M13 7.5l.8 5 1-3.5 1 3.5.7-5
🆗 blue @tile; ~white M6.5 7.5a2.5 2.5 0 1 0 .1 5 2.5 2.5 0 0 0-.1-5zM11.5 7v6M15.5 7l-4 3.5M13 9.5l2.5 3.5
🆘 red @tile; ~white M6.5 8c-1-1-2.5-.5-2.5.5 0 1.5 2.5.8 2.5 2.5 0 1.2-1.7 1.5-2.7.5M10 7.5c-1.5.5-1.5 4.5 0 5 1.5-.5 1.5-4.5 0-5zM16 8c-1-1-2.5-.5-2.5.5 0 1.5 2.5.8 2.5 2.5 0 1.2-1.7 1.5-2.7.5
`;

const PALETTE = {
  red: "#e0374f", orange: "#ee8a2a", yellow: "#f6c445", green: "#2fae6e", blue: "#3d84dd", purple: "#8a5bd0",
  brown: "#9a6a45", black: "#2b2930", white: "#ffffff", grey: "#77717f", steel: "#b4bfcc", paper: "#edf0f5",
  ink: "currentColor", canvas: "var(--canvas)",
};
const GROUNDS = { "@disc": DISC, "@tile": TILE };

/** The parts of each drawing, by character: [{path, fill, stroke}]. */
export const DRAWINGS = new Map([...TABLE.trim().split("\n").map(readDrawing), ...colouredShapes()]);

function readDrawing(line) {
  const [character, ...rest] = line.split(" ");
  return [character, rest.join(" ").split("; ").map(readPart)];
}

function readPart(text) {
  const [colour, ...rest] = text.split(" ");
  const path = GROUNDS[rest[0]] ?? rest.join(" ");
  return colour.startsWith("~") ? { path, stroke: PALETTE[colour.slice(1)] } : { path, fill: PALETTE[colour] };
}

function colouredShapes() {
  const shapes = [DISC, TILE];
  return Object.entries(colours).flatMap(([name, characters]) =>
    [...characters].map((character, index) => [character, [{ path: shapes[index], fill: PALETTE[name], rim: true }]]),
  );
}
