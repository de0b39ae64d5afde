/** What the composer offers while one types: commands, people, channels and emoji. */

import { avatar } from "./avatar.js";
import { searchEmoji } from "./emoji.js";
import { el } from "./dom.js";
import { icon } from "./icons.js";
import { displayName, state } from "./store.js";
import { renderEmoji } from "./text.js";

const MOST = 8;
const BROADCASTS = [
  ["here", "Everybody who is active in this channel"],
  ["channel", "Everybody in this channel"],
  ["everyone", "Everybody in the workspace"],
];

/** The word before the caret that may be completed: {start, items}, or null. */
export function findCompletion(text, caret) {
  const before = text.slice(0, caret);
  if (/^\/\S*$/.test(before)) return offer(0, commandItems(before));
  const match = /(?:^|[\s(])([@#:])([^\s@#:]*)$/.exec(before);
  if (!match) return null;
  const start = caret - match[2].length - 1;
  return offer(start, SOURCES[match[1]](match[2].toLowerCase()));
}

/** The command whose arguments are being typed, if any. */
export function findCommand(text) {
  const [word] = text.split(/\s/, 1);
  return text.length > word.length ? state.commands.find((one) => one.command === word) : undefined;
}

function offer(start, items) {
  return items.length ? { start, items: items.slice(0, MOST) } : null;
}

const SOURCES = {
  "@": (query) => [...userItems(query), ...groupItems(query), ...broadcastItems(query)],
  "#": channelItems,
  ":": (query) => (query.length < 2 ? [] : emojiItems(query)),
};

function commandItems(typed) {
  const found = state.commands.filter((one) => one.command.startsWith(typed));
  return found.map((one) => ({
    value: `${one.command} `,
    content: [el("strong", {}, one.command), " ", el("span", { class: "muted" }, one.usage_hint)],
    detail: one.description,
  }));
}

function userItems(query) {
  const found = [...state.users.values()].filter(
    (user) => user.name.toLowerCase().startsWith(query) || displayName(user).toLowerCase().includes(query),
  );
  return found.map((user) => ({
    value: `@${user.name} `,
    content: [avatar(user, 20), el("strong", {}, displayName(user)), el("span", { class: "muted" }, `@${user.name}`)],
    detail: user.title,
  }));
}

function groupItems(query) {
  const found = [...state.usergroups.values()].filter((group) => group.handle.toLowerCase().startsWith(query));
  return found.map((group) => ({
    value: `@${group.handle} `,
    content: [icon("people", 18), el("strong", {}, `@${group.handle}`)],
    detail: group.name,
  }));
}

function broadcastItems(query) {
  const found = BROADCASTS.filter(([name]) => name.startsWith(query));
  return found.map(([name, detail]) => ({ value: `@${name} `, content: el("strong", {}, `@${name}`), detail }));
}

function channelItems(query) {
  const rooms = [...state.channels.values()].filter((channel) => !channel.is_im && channel.name.includes(query));
  return rooms.map((channel) => ({
    value: `#${channel.name} `,
    content: [icon(channel.is_private ? "lock" : "hash", 16), channel.name],
  }));
}

function emojiItems(query) {
  return searchEmoji(query, MOST).map((name) => ({ value: `:${name}: `, content: [renderEmoji(name), `:${name}:`] }));
}
