/** What the workspace tells while we look: every event changes the store and announces what changed. */

import { renderText, summaryOf } from "./text.js";
import { authorOf } from "./message.js";
import { markRead, openFirstChannel } from "./navigation.js";
import { belongsInChannel, emit, findMessage, listsFor, putMessage, state } from "./store.js";

/** Take in one event. Kinds that this page does not know are left alone: the workspace may be newer. */
export function applyEvent(event) {
  APPLY[event.type]?.(event);
}

const APPLY = {
  message: ({ channel, message }) => {
    place(channel, message);
    countReply(channel, message);
    if (channel === state.channel) announce(message);
    if (channel === state.channel) markRead();
  },
  message_changed: ({ channel, message }) => place(channel, message),
  message_deleted: ({ channel, ts }) => remove(channel, ts),
  ephemeral: ({ channel, message }) => {
    place(channel, { ...message, ephemeral: true });
    if (channel === state.channel) announce(message);
  },
  reaction: ({ channel, ts, reactions }) => patch(channel, ts, { reactions }),
  pins: ({ channel, pins }) => patchChannel(channel, { pins }),
  bookmarks: ({ channel, bookmarks }) => patchChannel(channel, { bookmarks }),
  unread: ({ channel, unread, mentions, last_read }) => {
    patchChannel(channel, { unread, mentions, last_read });
    if (channel === state.channel && unread) markRead();
  },
  channel_created: putChannel,
  channel_changed: putChannel,
  channel_archived: putChannel,
  channel_joined: putChannel,
  channel_left: leaveChannel,
  home: ({ view }) => {
    state.home = view;
    emit("home");
  },
  stage: ({ type: _, ...stage }) => {
    state.stage = stage;
    emit("stage");
  },
  view_opened: ({ view }) => emit("view_opened", view),
  view_pushed: ({ view }) => emit("view_pushed", view),
  view_updated: ({ view }) => emit("view_updated", view),
  view_closed: ({ view }) => emit("view_closed", view),
};

function place(channel, message) {
  for (const list of listsFor(channel, message)) putMessage(list, message);
  changed(channel);
}

function remove(channel, ts) {
  const lists = [state.histories.get(channel)?.messages, ...threadsOf(channel)].filter(Boolean);
  for (const list of lists) {
    const index = list.findIndex((message) => message.ts === ts);
    if (index >= 0) list.splice(index, 1);
  }
  changed(channel);
}

function patch(channel, ts, part) {
  const message = findMessage(channel, ts);
  if (message) place(channel, { ...message, ...part });
}

/** A reply counts on its parent at once; the parent's own event, if one comes, says the same. */
function countReply(channel, message) {
  if (!message.thread_ts || message.thread_ts === message.ts) return;
  const parent = findMessage(channel, message.thread_ts);
  if (!parent || (parent.latest_reply ?? "") >= message.ts) return;
  const author = message.user ?? state.app.bot_user_id;
  const reply_users = [...new Set([...(parent.reply_users ?? []), author])];
  const reply_count = (parent.reply_count ?? 0) + 1;
  place(channel, { ...parent, thread_ts: parent.ts, reply_users, reply_count, latest_reply: message.ts });
}

function putChannel({ channel }) {
  const before = state.channels.get(channel.id);
  state.channels.set(channel.id, { ...before, ...channel });
  emit("channels");
}

/** A private channel that one has left is out of sight. */
function leaveChannel({ channel }) {
  putChannel({ channel });
  if (!channel.is_private || channel.is_member) return;
  state.channels.delete(channel.id);
  if (state.channel === channel.id) openFirstChannel();
  emit("channels");
}

function patchChannel(id, part) {
  const channel = state.channels.get(id);
  if (!channel) return;
  Object.assign(channel, part);
  emit("channels");
}

function announce(message) {
  if (message.user === state.me.id || !belongsInChannel(message)) return;
  const words = `${authorOf(message).name}: ${summaryOf(message)}`;
  document.getElementById("announcer").replaceChildren(...renderText({ type: "plain_text", text: words }));
}

function changed(channel) {
  emit("messages", { channel });
  if (channel === state.channel) emit("thread");
}

function threadsOf(channel) {
  return [...state.threads].filter(([key]) => key.startsWith(`${channel}:`)).map(([, messages]) => messages);
}
