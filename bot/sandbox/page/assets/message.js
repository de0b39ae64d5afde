/** One message: who, when, what, and what can be done with it. */

import { tell, get } from "./api.js";
import { renderAttachment } from "./attachments.js";
import { avatar } from "./avatar.js";
import { renderBlocks } from "./blocks.js";
import { formatAgo, formatMoment, formatTime, secondsOf } from "./clock.js";
import { button, el } from "./dom.js";
import { whileBusy } from "./elements.js";
import { renderFile } from "./files.js";
import { Form } from "./form.js";
import { icon } from "./icons.js";
import { openThread } from "./navigation.js";
import { showProfile } from "./profile.js";
import { renderReactions, renderToolbar } from "./reactions.js";
import { displayName, state } from "./store.js";
import { renderMrkdwn } from "./text.js";

const QUIET_SUBTYPES = new Set([
  "channel_join", "channel_leave", "channel_topic", "channel_purpose", "channel_name", "channel_archive",
  "channel_unarchive", "group_join", "group_leave", "group_topic", "group_purpose", "group_name", "pinned_item",
]);
const forms = new Map();

/** Options: channel (its id), grouped (the author is named just above), inThread. */
export function renderMessage(message, { channel, grouped, inThread }) {
  const author = authorOf(message);
  const pinned = message.pinned_to?.includes(channel) || state.channels.get(channel)?.pins?.includes(message.ts);
  const classes = ["message", grouped && "message--grouped", pinned && "message--pinned"];
  classes.push(message.ephemeral && "message--ephemeral", QUIET_SUBTYPES.has(message.subtype) && "message--quiet");
  const label = `Message from ${author.name}`;
  return el(
    "article",
    { class: classes.filter(Boolean).join(" "), data: { ts: message.ts }, "aria-label": label },
    pinned && el("div", { class: "message__note message__note--pin" }, icon("pin", 14), "Pinned"),
    message.ephemeral && el("div", { class: "message__note" }, icon("eye", 14), "Only visible to you"),
    el("div", { class: "message__gutter" }, grouped ? quietTime(message) : face(author)),
    el(
      "div",
      { class: "message__main" },
      grouped ? null : renderHead(message, author),
      el("div", { class: "message__content" }, renderContent(message, channel)),
      renderReactions(message, channel),
      inThread ? null : renderThreadLine(message),
    ),
    message.ephemeral ? null : renderToolbar(message, { channel, inThread }),
  );
}

/** Who wrote a message: {key, name, user}; key tells authors apart. */
export function authorOf(message) {
  const isBot = Boolean(message.bot_id);
  const user = state.users.get(message.user ?? (isBot ? state.app?.bot_user_id : null));
  const name = message.username || (user ? displayName(user) : isBot ? state.app?.name : "Slackbot");
  const key = `${message.user ?? message.bot_id}/${name}`;
  return { key, name: name ?? "App", user, isBot: isBot || user?.is_bot };
}

/** What a message's or view's actions may do, where it is a message. */
function surfaceOf(message, channel) {
  const key = `${channel}:${message.ts}`;
  if (!forms.has(key)) forms.set(key, new Form());
  const form = forms.get(key);
  const place = { channel, message_ts: message.ts };
  return {
    form,
    act: (action, control) =>
      whileBusy(control, () => tell("action", { ...place, action, state: { values: form.values() } })),
    options: (block_id, action_id, value) => tell("options", { ...place, block_id, action_id, value }),
  };
}

function renderContent(message, channel) {
  const surface = surfaceOf(message, channel);
  const edited = message.edited && !message.bot_id ? el("span", { class: "message__edited" }, "(edited)") : null;
  const body = message.blocks?.length ? renderBlocks(message.blocks, surface) : renderMrkdwn(message.text);
  const attachments = message.attachments?.map((attachment) => renderAttachment(attachment, surface));
  const files = message.files?.map(renderFile);
  return [body, edited, attachments, files];
}

function renderHead(message, author) {
  const open = (event) => author.user && showProfile(event.currentTarget, author.user);
  return el(
    "div",
    { class: "message__head" },
    button({ class: "message__author", on: { click: open } }, author.name),
    author.isBot ? el("span", { class: "app-badge" }, "APP") : null,
    el(
      "time",
      { class: "message__time", title: formatMoment(secondsOf(message.ts)) },
      formatTime(secondsOf(message.ts)),
    ),
  );
}

function face(author) {
  return avatar(author.isBot ? { ...author.user, is_bot: true } : author.user, 36);
}

function quietTime(message) {
  const seconds = secondsOf(message.ts);
  const short = formatTime(seconds).replace(/ [AP]M$/, "");
  return el("time", { class: "message__quiet-time", title: formatMoment(seconds) }, short);
}

function renderThreadLine(message) {
  if (!message.reply_count) return null;
  const faces = (message.reply_users ?? []).slice(0, 4).map((id) => avatar(state.users.get(id), 22));
  const words = `${message.reply_count} ${message.reply_count === 1 ? "reply" : "replies"}`;
  const last = message.latest_reply ? `Last reply ${formatAgo(secondsOf(message.latest_reply))}` : "";
  return button(
    { class: "thread-line", on: { click: () => openThread(message.ts) } },
    el("span", { class: "thread-line__faces" }, faces),
    el("strong", {}, words),
    el("span", { class: "thread-line__last" }, last),
  );
}

/** One message of a channel that may not be loaded yet, such as a pinned one; null where it is gone. */
export async function fetchMessage(channel, ts) {
  const before = (secondsOf(ts) + 0.000001).toFixed(6);
  const { messages } = await get("messages", { user: state.me.id, channel, before, limit: 1 });
  return messages?.find((message) => message.ts === ts) ?? null;
}
