/** Finding, joining and making channels; jumping to any conversation. */

import { tell } from "./api.js";
import { avatar } from "./avatar.js";
import { openDialog } from "./dialogs.js";
import { button, el } from "./dom.js";
import { icon } from "./icons.js";
import { Listbox } from "./listbox.js";
import { openChannel, openDirect } from "./navigation.js";
import { channelTitle, displayName, emit, state } from "./store.js";

/** All channels that one can see, archived ones included, and a field to make another. */
export function browseChannels() {
  const rooms = [...state.channels.values()].filter((channel) => !channel.is_im);
  const rows = rooms.map((channel) =>
    button(
      { class: "person-row", on: { click: () => (dialog.close(), openChannel(channel.id)) } },
      icon(channel.is_private ? "lock" : "hash"),
      el("span", {}, el("strong", {}, channel.name), el("small", {}, describe(channel))),
    ),
  );
  const dialog = openDialog({ title: "Channels", body: [renderCreate(() => dialog.close()), rows] });
}

function renderCreate(done) {
  const label = "Name of a new channel";
  const name = el("input", { class: "input", type: "text", maxlength: 80, placeholder: "new-channel", "aria-label": label });
  const secret = el("input", { type: "checkbox" });
  const create = async (event) => {
    event.preventDefault();
    const answer = await tell("channel", { name: name.value.trim(), is_private: secret.checked });
    if (!answer.channel) return;
    done();
    state.channels.set(answer.channel.id, answer.channel);
    emit("channels");
    openChannel(answer.channel.id);
  };
  return el(
    "form",
    { class: "create-channel", on: { submit: create } },
    name,
    el("label", { class: "choice" }, secret, "Private"),
    el("button", { class: "button button--primary", type: "submit" }, "Create"),
  );
}

function describe(channel) {
  const facts = [
    channel.is_archived && "Archived",
    channel.is_member && "Joined",
    `${channel.members.length} members`,
  ];
  return [...facts, channel.topic || channel.purpose].filter(Boolean).join(" · ");
}

/** Jump to a channel or person by typing part of the name. */
export function openJump() {
  if (document.querySelector(".dialog--jump")) return;
  const list = new Listbox({ label: "Conversations", onChoose: (go) => (dialog.close(), go()) });
  const search = el("input", {
    class: "input",
    type: "text",
    role: "combobox",
    "aria-expanded": "true",
    "aria-controls": list.prefix,
    "data-autofocus": true,
    placeholder: "Jump to a channel or person",
    "aria-label": "Jump to a channel or person",
    on: { input: () => list.show(destinations(search.value)), keydown: (event) => list.handleKey(event) },
  });
  const dialog = openDialog({ title: "Jump to", body: [search, list.node] });
  dialog.classList.add("dialog--jump");
  list.show(destinations(""));
}

function destinations(query) {
  const wanted = query.trim().toLowerCase();
  const rooms = [...state.channels.values()].filter((channel) => !channel.is_im && !channel.is_archived);
  const people = [...state.users.values()].filter((user) => user.id !== state.me.id);
  const places = [
    ...rooms.map((channel) => ({
      name: channelTitle(channel),
      content: [icon(channel.is_private ? "lock" : "hash", 16), channel.name],
      value: () => openChannel(channel.id),
    })),
    ...people.map((user) => ({
      name: displayName(user),
      content: [avatar(user, 20), displayName(user)],
      detail: user.title,
      value: () => openDirect(user.id),
    })),
  ];
  return places.filter((place) => place.name.toLowerCase().includes(wanted));
}
