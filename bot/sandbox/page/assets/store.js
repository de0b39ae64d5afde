/** What the page knows, and who wants to hear when it changes. */

export const state = {
  team: null,
  me: null,
  app: null,
  users: new Map(),
  usergroups: new Map(),
  channels: new Map(),
  commands: [],
  shortcuts: [],
  channel: null, // the id of the channel in front
  tab: "messages", // "home" or "messages", where the channel in front is the app's
  thread: null, // the ts of the open thread's parent
  unreadFrom: null, // what had been read when the channel was opened: where the "New" line goes
  histories: new Map(), // channel id -> { messages, hasMore }
  threads: new Map(), // "channel:ts" -> messages, the parent first
  home: null,
  stage: { ready: false, scenarios: [], lights: [] },
};

const listeners = new Map();

/** Call `listener` whenever `topic` is announced: boot, channels, place, messages, thread, show, home, stage. */
export function on(topic, listener) {
  if (!listeners.has(topic)) listeners.set(topic, []);
  listeners.get(topic).push(listener);
}

/** Announce that something changed. */
export function emit(topic, detail) {
  for (const listener of listeners.get(topic) ?? []) listener(detail);
}

/** Take in a boot answer: everything but messages. */
export function absorbBoot(boot) {
  Object.assign(state, { team: boot.team, me: boot.me, app: boot.app });
  state.commands = boot.commands ?? [];
  state.shortcuts = boot.shortcuts ?? [];
  state.users = byId(boot.users);
  state.usergroups = byId(boot.usergroups ?? []);
  state.channels = byId(boot.channels);
  state.histories = new Map(); // new ones: an answer to the former person that is still to come lands in the old
  state.threads = new Map();
  state.home = null;
}

/** The channel in front, or undefined before the first boot. */
export function currentChannel() {
  return state.channels.get(state.channel);
}

/** How a person is called in running text. */
export function displayName(user) {
  return user?.real_name || user?.name || "Somebody";
}

/** How a channel is called: its name, or the other person's where it is a direct message. */
export function channelTitle(channel) {
  if (!channel?.is_im) return channel?.name ?? "";
  return displayName(state.users.get(channel.im_user));
}

/** Whether this is the direct conversation with the app, which has a Home tab. */
export function isAppChannel(channel) {
  return Boolean(channel?.is_im && channel.im_user === state.app?.bot_user_id);
}

/** Add or replace one message, keeping the order of time. */
export function putMessage(messages, message) {
  const index = messages.findIndex((known) => known.ts === message.ts);
  if (index >= 0) return void (messages[index] = message);
  let place = messages.length;
  while (place > 0 && messages[place - 1].ts > message.ts) place -= 1;
  messages.splice(place, 0, message);
}

/** Every list that holds, or should hold, this message: the channel's and its thread's. */
export function listsFor(channelId, message) {
  const lists = [];
  const history = state.histories.get(channelId);
  if (history && belongsInChannel(message)) lists.push(history.messages);
  const thread = state.threads.get(`${channelId}:${message.thread_ts ?? message.ts}`);
  if (thread) lists.push(thread);
  return lists;
}

/** Whether a message shows in the channel itself, not only in its thread. */
export function belongsInChannel(message) {
  return !message.thread_ts || message.thread_ts === message.ts || message.subtype === "thread_broadcast";
}

/** A message that is on screen or was, by channel and ts. */
export function findMessage(channelId, ts) {
  const threads = [...state.threads].filter(([key]) => key.startsWith(`${channelId}:`)).map(([, list]) => list);
  const lists = [state.histories.get(channelId)?.messages ?? [], ...threads];
  return lists.flat().find((message) => message.ts === ts);
}

function byId(items) {
  return new Map(items.map((item) => [item.id, item]));
}
