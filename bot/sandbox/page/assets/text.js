/** Text objects as DOM: mrkdwn, plain text, and the mentions and links that rich text shares with them. */

import { formatMoment, formatTokens } from "./clock.js";
import { button, el } from "./dom.js";
import { emojiFor } from "./emoji.js";
import { drawEmoji, drawText } from "./emoji_art.js";
import { isSafeUrl, parseMrkdwn, parsePlain, parseTopic } from "./mrkdwn.js";
import { openChannel, openMessage, readPermalink } from "./navigation.js";
import { showProfile } from "./profile.js";
import { displayName, state } from "./store.js";

/** A text object ({type, text, emoji}) as nodes. */
export function renderText(object) {
  if (!object) return [];
  if (object.type === "mrkdwn") return renderMrkdwn(object.text);
  return renderPlain(object.text, object.emoji !== false);
}

/** mrkdwn as nodes. */
export function renderMrkdwn(text) {
  return parseMrkdwn(text ?? "").map(renderBlock);
}

/** A channel's topic as nodes. */
export function renderTopic(text) {
  return parseTopic(text ?? "").flatMap(renderInline);
}

/** Plain text as nodes: its emoji drawn, all else as written. */
export function renderPlain(text, withEmoji = true) {
  return parsePlain(text ?? "", withEmoji).flatMap(renderInline);
}

/** Plain text as a string, for labels and options. */
export function plainString(object) {
  const nodes = parsePlain(object?.text ?? "", object?.emoji !== false);
  return nodes.map((node) => (node.type === "emoji" ? emojiFor(node.name) ?? `:${node.name}:` : node.text)).join("");
}

/** mrkdwn reduced to one line of readable text, for announcements and summaries. */
export function summaryOf(message) {
  const text = message.text || firstBlockText(message) || message.files?.[0]?.name || "";
  return el("div", {}, renderMrkdwn(text)).textContent.replace(/\s+/g, " ").trim();
}

/** One emoji by name; its name as written where it is unknown. */
export function renderEmoji(name) {
  const character = emojiFor(name);
  if (!character) return document.createTextNode(`:${name}:`);
  return drawEmoji(character, name);
}

/** A mention of a person. */
export function renderUser(id, label) {
  const user = state.users.get(id);
  const name = user ? displayName(user) : label ?? id;
  const kind = id === state.me?.id ? "mention mention--me" : "mention";
  return button(
    { class: kind, on: { click: (event) => user && showProfile(event.currentTarget, user) } },
    `@${name}`,
  );
}

/** A mention of a channel: a way into it. */
export function renderChannel(id, label) {
  const channel = state.channels.get(id);
  const name = channel?.name ?? label ?? "private-channel";
  return button({ class: "mention", disabled: !channel, on: { click: () => openChannel(id) } }, `#${name}`);
}

/** A mention of a user group. */
export function renderUsergroup(id, label) {
  const group = state.usergroups.get(id);
  const mine = group?.users?.includes(state.me?.id);
  const name = (group?.handle ?? label ?? id).replace(/^@/, "");
  return el("span", { class: mine ? "mention mention--me" : "mention", title: group?.name }, `@${name}`);
}

/** @here, @channel or @everyone. */
export function renderBroadcast(name) {
  return el("span", { class: "mention mention--me" }, `@${name}`);
}

/** A moment in the reader's own zone; "today" is "Today" where it opens a line. */
export function renderDate(seconds, pattern, { fallback = "", url = null, opens = false }) {
  const written = formatTokens(seconds, pattern);
  const text = written && opens ? written.charAt(0).toUpperCase() + written.slice(1) : written ?? fallback;
  const title = Number.isFinite(seconds) ? formatMoment(seconds) : null;
  const time = el("time", { datetime: new Date(seconds * 1000).toISOString(), title }, text);
  return url ? renderLink(url, time) : time;
}

/** A link that opens beside the workspace; the label alone where it is unsafe to follow. */
export function renderLink(url, label) {
  const text = label ?? url.replace(/^mailto:/, "");
  if (!isSafeUrl(url)) return el("span", {}, text);
  const place = readPermalink(url);
  const goThere = (event) => (event.preventDefault(), openMessage(place));
  if (place) return el("a", { href: url, on: { click: goThere } }, text);
  return el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, text);
}

const BLOCK_TAGS = { pre: "pre", quote: "blockquote", text: "div" };

function renderBlock(block) {
  return el(BLOCK_TAGS[block.type], { class: `text-${block.type}`, dir: "auto" }, block.children.map(renderInline));
}

const STYLE_TAGS = { bold: "strong", italic: "em", strike: "s", code: "code" };

function renderInline(node) {
  if (node.type === "text") return drawText(node.text);
  if (node.type in STYLE_TAGS) return el(STYLE_TAGS[node.type], {}, node.children.map(renderInline));
  return REFERENCES[node.type](node);
}

const REFERENCES = {
  emoji: (node) => renderEmoji(node.name),
  link: (node) => renderLink(node.url, node.label),
  user: (node) => renderUser(node.id, node.label),
  channel: (node) => renderChannel(node.id, node.label),
  usergroup: (node) => renderUsergroup(node.id, node.label),
  broadcast: (node) => renderBroadcast(node.name),
  date: (node) => renderDate(node.seconds, node.pattern, node),
};

function firstBlockText(message) {
  return message.blocks?.find((block) => block.text?.text)?.text.text;
}
