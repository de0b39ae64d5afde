/** Where we are: person, channel, thread. The address bar says so: #/U…/C…/ts */

import { get, tell, upload } from "./api.js";
import { belongsInChannel, currentChannel, emit, isAppChannel, putMessage, state } from "./store.js";
import { holdEvents } from "./stream.js";

const PAGE_SIZE = 50;
let isTellingRead = false; // one at a time: many messages that come at once are read with one call

/**
 * The place that the address names: {user, channel, thread, ts}. A permalink brings channel and ts in the query;
 * where nobody is named, it is who the page was last, or whom the server proposes.
 */
export function readAddress() {
  const [, user, channel, thread] = location.hash.split("/");
  const query = new URLSearchParams(location.search);
  return {
    user: user || localStorage.getItem("person") || document.body.dataset.person,
    channel: channel || query.get("channel"),
    thread: thread || query.get("thread_ts"),
    ts: query.get("ts"),
  };
}

/** The place that a permalink of this workspace leads to: {channel, ts, thread}; null for any other link. */
export function readPermalink(url) {
  const match = /\/archives\/(\w+)\/p(\d+)(\d{6})(?:\?.*thread_ts=([\d.]+))?/.exec(url);
  if (!match || !url.startsWith(location.origin)) return null;
  return { channel: match[1], ts: `${match[2]}.${match[3]}`, thread: match[4] ?? null };
}

/** Open the channel of a message and bring it into view. */
export async function openMessage({ channel, ts, thread }) {
  await openChannel(channel, { thread, tab: "messages" });
  emit("show", ts);
}

/** The first channel that this person is in. */
export function firstChannel() {
  const rooms = [...state.channels.values()].filter((channel) => !channel.is_archived && !channel.is_im);
  return (rooms.find((channel) => channel.is_member) ?? rooms[0])?.id;
}

/** Go there. */
export function openFirstChannel() {
  return openChannel(firstChannel());
}

/** Bring a channel to the front. */
export async function openChannel(id, { thread = null, tab = null } = {}) {
  const channel = state.channels.get(id);
  if (!channel) return;
  state.channel = id;
  state.thread = thread;
  state.tab = tab ?? (isAppChannel(channel) ? "home" : "messages");
  state.unreadFrom = channel.unread ? channel.last_read : null;
  document.getElementById("app").classList.remove("is-sidebar-open");
  writeAddress();
  emit("place");
  await loadHistory(id);
  if (thread) await loadThread(thread);
  await markRead();
}

/** Open a thread beside the channel in front. */
export async function openThread(ts) {
  state.thread = ts;
  writeAddress();
  emit("place");
  await loadThread(ts);
}

/** Close the thread. */
export function closeThread() {
  state.thread = null;
  writeAddress();
  emit("place");
}

/** Open the direct conversation with a person or with the app. */
export async function openDirect(userId, options) {
  const answer = await tell("dm", { with: userId });
  if (!answer.channel) return;
  state.channels.set(answer.channel.id, answer.channel);
  emit("channels");
  await openChannel(answer.channel.id, options);
}

/** Show the app's Home or the messages with it. */
export function openTab(tab) {
  state.tab = tab;
  emit("place");
}

/** Fetch what a channel holds, unless it is here already. */
export async function loadHistory(id) {
  if (state.histories.has(id)) return emit("messages", { channel: id });
  const { histories } = state;
  return holdEvents(async () => {
    const { messages = [], has_more } = await get("messages", { user: state.me.id, channel: id, limit: PAGE_SIZE });
    histories.set(id, { messages: sorted(messages.filter(belongsInChannel)), hasMore: Boolean(has_more) });
    emit("messages", { channel: id });
  });
}

/** Fetch the page of messages before the oldest that is here. */
export async function loadEarlier(id) {
  const history = state.histories.get(id);
  if (!history?.hasMore || history.loading) return;
  history.loading = true;
  const before = history.messages[0]?.ts;
  await holdEvents(async () => {
    const page = { user: state.me.id, channel: id, before, limit: PAGE_SIZE };
    const { messages = [], has_more } = await get("messages", page);
    for (const message of messages.filter(belongsInChannel)) putMessage(history.messages, message);
    Object.assign(history, { hasMore: Boolean(has_more), loading: false });
    emit("messages", { channel: id });
  });
}

/** Tell the workspace that the channel in front has been read to its end. */
export async function markRead() {
  const channel = currentChannel();
  const last = state.histories.get(channel?.id)?.messages.at(-1)?.ts;
  if (isTellingRead || !last || document.hidden || last <= (channel.last_read ?? "")) return;
  isTellingRead = true;
  Object.assign(channel, { last_read: last, unread: 0, mentions: 0 });
  emit("channels");
  await tell("read", { channel: channel.id, ts: last });
  isTellingRead = false;
  await markRead();
}

/** Join or leave a channel. */
export async function setMembership(id, joining) {
  const answer = await tell(joining ? "join" : "leave", { channel: id });
  if (answer.ok !== false && answer.channel) state.channels.set(id, answer.channel);
  emit("channels");
}

/** Bring somebody, or the app, into a channel. */
export async function invite(channel, userId) {
  const answer = await tell("invite", { channel, invited: userId });
  if (answer.channel) state.channels.set(channel, answer.channel);
  emit("channels");
}

/** Upload files into the channel in front, or into one of its threads. */
export async function uploadFiles(files, thread = null) {
  for (const file of files) await upload({ channel: state.channel, file, ...(thread && { thread_ts: thread }) });
}

async function loadThread(ts) {
  const { channel, threads } = state;
  await holdEvents(async () => {
    const { messages = [] } = await get("messages", { user: state.me.id, channel, thread_ts: ts, limit: 200 });
    threads.set(`${channel}:${ts}`, sorted(messages));
    emit("thread");
  });
}

function sorted(messages) {
  return messages.toSorted((a, b) => (a.ts < b.ts ? -1 : 1));
}

function writeAddress() {
  const parts = [state.me.id, state.channel, state.thread].filter(Boolean);
  const address = `#/${parts.join("/")}`;
  if (location.hash !== address) history.pushState(null, "", `/${address}`);
}
