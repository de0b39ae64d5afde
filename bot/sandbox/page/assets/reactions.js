/** Reactions below a message, and the toolbar that appears over it. */

import { tell } from "./api.js";
import { confirm, openDialog } from "./dialogs.js";
import { button, el, fill } from "./dom.js";
import { searchEmoji } from "./emoji.js";
import { icon } from "./icons.js";
import { Listbox } from "./listbox.js";
import { openThread } from "./navigation.js";
import { closePopover, togglePopover } from "./popover.js";
import { displayName, state } from "./store.js";
import { renderEmoji } from "./text.js";
import { toast } from "./toasts.js";

const QUICK = ["white_check_mark", "eyes", "raised_hands"];
const FAVOURITES = [
  "+1", "-1", "white_check_mark", "x", "eyes", "raised_hands", "rotating_light", "warning", "fire", "tada", "pray",
  "heart", "rocket", "thinking_face", "wave", "clap", "hourglass_flowing_sand", "lock", "memo", "bulb", "bug",
  "large_green_circle", "large_yellow_circle", "red_circle",
];

/** The reactions that a message has; a press adds or takes back one's own. */
export function renderReactions(message, channel) {
  if (!message.reactions?.length) return null;
  const chips = message.reactions.map((reaction) => renderChip(reaction, message, channel));
  const pick = () => pickReaction(add, message, channel);
  const add = button({ class: "reaction reaction--add", label: "Add reaction", on: { click: pick } }, icon("smile", 16));
  return el("div", { class: "reactions" }, chips, add);
}

/** What can be done with a message: react, reply, and the app's message shortcuts. */
export function renderToolbar(message, { channel, inThread }) {
  const react = (name) => () => toggleReaction(message, channel, name);
  const quick = QUICK.map((name) =>
    button({ class: "icon-button", label: `React with ${name}`, on: { click: react(name) } }, renderEmoji(name)),
  );
  const add = button(
    { class: "icon-button", label: "Add reaction", on: { click: () => pickReaction(add, message, channel) } },
    icon("smile"),
  );
  const answer = () => openThread(message.thread_ts ?? message.ts);
  const reply = button({ class: "icon-button", label: "Reply in thread", on: { click: answer } }, icon("thread"));
  const more = button(
    { class: "icon-button", label: "More actions", on: { click: () => openMore(more, message, channel) } },
    icon("more"),
  );
  return el(
    "div",
    { class: "toolbar", role: "toolbar", "aria-label": "Message actions" },
    quick,
    add,
    inThread ? null : reply,
    more,
  );
}

/** A searchable grid of emoji hung on `anchor`; `onChoose(name)` hears the choice. */
export function pickEmoji(anchor, onChoose) {
  const grid = el("div", { class: "emoji-grid" });
  const choose = (name) => {
    closePopover(true);
    onChoose(name);
  };
  const show = (query) => {
    const names = query ? searchEmoji(query) : FAVOURITES;
    const cells = names.map((name) =>
      button({ class: "emoji-grid__cell", label: name, on: { click: () => choose(name) } }, renderEmoji(name)),
    );
    fill(grid, cells.length ? cells : "No emoji of that name");
  };
  const search = el("input", {
    class: "input",
    type: "text",
    "data-autofocus": true,
    placeholder: "Search emoji",
    "aria-label": "Search emoji",
    on: {
      input: () => show(search.value.trim()),
      keydown: (event) => event.key === "Enter" && grid.querySelector("button")?.click(),
    },
  });
  show("");
  togglePopover(anchor, () => [search, grid], { class: "emoji-picker", align: "end", label: "Emoji" });
}

function pickReaction(anchor, message, channel) {
  pickEmoji(anchor, (name) => toggleReaction(message, channel, name));
}

function toggleReaction(message, channel, name) {
  const mine = message.reactions?.find((reaction) => reaction.name === name)?.users.includes(state.me.id);
  return tell("reaction", { channel, ts: message.ts, name, add: !mine });
}

function renderChip(reaction, message, channel) {
  const mine = reaction.users.includes(state.me.id);
  const people = reaction.users.map((id) => displayName(state.users.get(id))).join(", ");
  return button(
    {
      class: mine ? "reaction reaction--mine" : "reaction",
      "aria-pressed": mine ? "true" : "false",
      label: `${people} reacted with :${reaction.name}:`,
      on: { click: () => toggleReaction(message, channel, reaction.name) },
    },
    renderEmoji(reaction.name),
    el("span", {}, String(reaction.count)),
  );
}

function openMore(anchor, message, channel) {
  const shortcuts = state.shortcuts.filter((shortcut) => shortcut.type === "message");
  const offer = (shortcut) => ({ value: () => runShortcut(shortcut, message, channel), content: shortcut.name });
  const items = [
    { value: () => copyLink(message, channel), content: "Copy link" },
    { value: () => copyText(message), content: "Copy text" },
    ...(message.user === state.me.id && !message.subtype ? ownActions(message, channel) : []),
    ...(shortcuts.length ? [{ heading: state.app?.name ?? "App" }] : []),
    ...shortcuts.map(offer),
  ];
  const list = new Listbox({ label: "More actions", onChoose: (run) => (closePopover(true), run()) });
  list.show(items);
  list.node.tabIndex = 0;
  list.node.setAttribute("data-autofocus", "");
  list.node.addEventListener("keydown", (event) => list.handleKey(event));
  togglePopover(anchor, () => list.node, { align: "end", label: "More actions" });
}

function ownActions(message, channel) {
  return [
    { value: () => editMessage(message, channel), content: "Edit message" },
    { value: () => deleteMessage(message, channel), content: "Delete message" },
  ];
}

function editMessage(message, channel) {
  const typed = el("textarea", { class: "input", rows: 4, "aria-label": "Message", "data-autofocus": true });
  typed.value = message.text ?? "";
  const save = async () => {
    await tell("message/edit", { channel, ts: message.ts, text: typed.value });
    dialog.close();
  };
  const dialog = openDialog({
    title: "Edit message",
    body: typed,
    footer: [button({ class: "button button--primary", on: { click: save } }, "Save changes")],
  });
}

async function deleteMessage(message, channel) {
  const title = { text: "Delete message" };
  const text = { type: "plain_text", text: "It is gone for everybody." };
  if (await confirm({ title, text, confirm: { text: "Delete" }, style: "danger" })) {
    await tell("message/delete", { channel, ts: message.ts });
  }
}

function runShortcut(shortcut, message, channel) {
  return tell("shortcut", { callback_id: shortcut.callback_id, channel, message_ts: message.ts });
}

async function copyLink(message, channel) {
  await navigator.clipboard.writeText(
    `${location.origin}/#/${state.me.id}/${channel}/${message.thread_ts ?? message.ts}`,
  );
  toast("Link copied");
}

async function copyText(message) {
  await navigator.clipboard.writeText(message.text ?? "");
  toast("Text copied");
}
