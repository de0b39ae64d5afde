/**
 * Slack's mrkdwn, read into a tree. Pure: no DOM, no state.
 *
 * Block nodes: {type: "pre" | "text" | "quote"}; inline nodes: text, bold, italic, strike, code, emoji, link,
 * user, channel, usergroup, broadcast, date. Text nodes are unescaped already; `opens` says that a reference is
 * the first on its line.
 */

const STYLES = { "*": "bold", _: "italic", "~": "strike" };
const WORD = /[\p{L}\p{N}]/u;
const BARE_URL = /https?:\/\/[^\s<>|*`"]+[^\s<>|*`"'.,;:!?)\]}]/y;
const EMOJI = /:([a-z0-9_+'-]+(?:::skin-tone-[2-6])?):/y;
const SAFE_URL = /^(https?|mailto|tel|slack):/i;

/** The blocks of a text: preformatted, quoted and plain ones. */
export function parseMrkdwn(text) {
  const blocks = [];
  const pieces = text.split(/```([\s\S]+?)```/);
  pieces.forEach((piece, index) => {
    if (index % 2) return blocks.push({ type: "pre", children: parseCode(piece.replace(/^\n|\n$/g, "")) });
    const trimmed = piece.replace(index ? /^\n/ : /^$/, "").replace(index < pieces.length - 1 ? /\n$/ : /$^/, "");
    if (trimmed) blocks.push(...parseLines(trimmed));
  });
  return blocks;
}

/** A channel's topic: mentions, links and emoji, but no styles. */
export function parseTopic(text) {
  return parseInline(text, readPlainNode);
}

/** The text that a person meant by &amp;, &lt; and &gt;. */
export function unescapeText(text) {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

/** Whether a link may be followed; javascript: and the like may not. */
export function isSafeUrl(url) {
  return SAFE_URL.test(url);
}

/** Plain text with its emoji, and nothing else. */
export function parsePlain(text, withEmoji = true) {
  const nodes = [];
  let plain = 0;
  for (const match of withEmoji ? text.matchAll(new RegExp(EMOJI.source, "g")) : []) {
    pushText(nodes, text.slice(plain, match.index));
    nodes.push({ type: "emoji", name: match[1] });
    plain = match.index + match[0].length;
  }
  pushText(nodes, text.slice(plain));
  return nodes;
}

function parseLines(text) {
  const blocks = [];
  let rest = false;
  for (const line of text.split("\n")) {
    const opening = rest ? [""] : line.match(/^(?:&gt;|>){3} ?/);
    rest = Boolean(opening);
    const quote = opening ?? line.match(/^(?:&gt;|>) ?/);
    const type = quote ? "quote" : "text";
    const content = quote ? line.slice(quote[0].length) : line;
    const last = blocks.at(-1);
    if (last?.type === type) last.lines.push(content);
    else blocks.push({ type, lines: [content] });
  }
  return blocks.map(({ type, lines }) => ({ type, children: parseInline(lines.join("\n")) }));
}

function parseInline(text, read = readNode) {
  const nodes = [];
  let plain = 0;
  let at = 0;
  while (at < text.length) {
    const found = read(text, at);
    if (!found) {
      at += 1;
      continue;
    }
    pushText(nodes, text.slice(plain, at));
    nodes.push(found.node);
    at = plain = found.end;
  }
  pushText(nodes, text.slice(plain));
  return nodes;
}

function readNode(text, at) {
  const sign = text[at];
  if (sign === "`") return readCode(text, at);
  return sign in STYLES ? readStyle(text, at) : readPlainNode(text, at);
}

function readPlainNode(text, at) {
  const sign = text[at];
  if (sign === "<") return readAngle(text, at);
  if (sign === ":") return readEmoji(text, at);
  return sign === "h" ? readUrl(text, at) : null;
}

function readCode(text, at) {
  const match = /^`([^`\n]+)`/.exec(text.slice(at));
  return match && { node: { type: "code", children: parseCode(match[1]) }, end: at + match[0].length };
}

/** Inside code only links and mentions are read. */
function parseCode(text) {
  const nodes = [];
  for (const piece of text.split(/(<[^<>\n]+>)/)) {
    const angle = piece.startsWith("<") ? readAngle(piece, 0) : null;
    if (angle) nodes.push(angle.node);
    else pushText(nodes, piece);
  }
  return nodes;
}

function readEmoji(text, at) {
  EMOJI.lastIndex = at;
  const match = EMOJI.exec(text);
  return match && { node: { type: "emoji", name: match[1] }, end: EMOJI.lastIndex };
}

function readUrl(text, at) {
  if (at && WORD.test(text[at - 1])) return null;
  BARE_URL.lastIndex = at;
  const match = BARE_URL.exec(text);
  return match && { node: { type: "link", url: unescapeText(match[0]), label: null }, end: BARE_URL.lastIndex };
}

function readStyle(text, at) {
  const sign = text[at];
  const before = text[at - 1];
  if (before && (WORD.test(before) || before === sign)) return null;
  const end = findClosing(text, at, sign);
  if (end < 0) return null;
  return { node: { type: STYLES[sign], children: parseInline(text.slice(at + 1, end)) }, end: end + 1 };
}

function findClosing(text, start, sign) {
  if (!text[start + 1] || /\s/.test(text[start + 1]) || text[start + 1] === sign) return -1;
  let at = start + 1;
  while (at < text.length && text[at] !== "\n") {
    const skipped = text[at] === "`" ? readCode(text, at) : text[at] === "<" ? readAngle(text, at) : null;
    if (skipped) at = skipped.end;
    else if (closesAt(text, at, start, sign)) return at;
    else at += 1;
  }
  return -1;
}

function closesAt(text, at, start, sign) {
  if (text[at] !== sign || at === start + 1 || /\s/.test(text[at - 1])) return false;
  const after = text[at + 1];
  return !after || (!WORD.test(after) && after !== sign);
}

function readAngle(text, at) {
  const match = /^<([^<>\n]+)>/.exec(text.slice(at));
  const node = match && readReference(match[1]);
  const opens = at === 0 || text[at - 1] === "\n";
  return node && { node: { ...node, opens }, end: at + match[0].length };
}

function readReference(content) {
  const bar = content.indexOf("|");
  const target = bar < 0 ? content : content.slice(0, bar);
  const label = bar < 0 ? null : unescapeText(content.slice(bar + 1));
  if (/^@[UW]/.test(target)) return { type: "user", id: target.slice(1), label };
  if (/^#[CG]/.test(target)) return { type: "channel", id: target.slice(1), label };
  if (target.startsWith("!subteam^")) return { type: "usergroup", id: target.slice(9), label };
  if (target.startsWith("!date^")) return readDate(target, label);
  if (/^!(here|channel|everyone)$/.test(target)) return { type: "broadcast", name: target.slice(1) };
  return isSafeUrl(target) ? { type: "link", url: unescapeText(target), label } : null;
}

function readDate(target, fallback) {
  const [, seconds, pattern, url] = target.split("^");
  if (!/^\d{1,12}$/.test(seconds ?? "") || !pattern) return null; // more is beyond the calendar
  return { type: "date", seconds: Number(seconds), pattern: unescapeText(pattern), url, fallback: fallback ?? "" };
}

function pushText(nodes, text) {
  if (text) nodes.push({ type: "text", text: unescapeText(text) });
}
