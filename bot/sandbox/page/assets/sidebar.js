/** The sidebar: channels, direct messages, and the app. */

import { avatar } from "./avatar.js";
import { browseChannels } from "./channels.js";
import { button, drawFacts, el } from "./dom.js";
import { icon } from "./icons.js";
import { openChannel, openDirect } from "./navigation.js";
import { channelTitle, displayName, isAppChannel, on, state } from "./store.js";

/** Build the sidebar into `nav` and keep it true. */
export function mountSidebar(nav) {
  const draw = () => state.me && drawFacts(nav, factsOf(), renderSidebar);
  for (const topic of ["boot", "channels", "place"]) on(topic, draw);
  const close = () => document.getElementById("app").classList.remove("is-sidebar-open");
  document.getElementById("scrim").addEventListener("click", close);
}

/** All that the sidebar shows. */
function factsOf() {
  const rows = [...state.channels.values()].map((one) => [
    one.id, one.name, one.is_member, one.is_archived, one.is_private, one.unread, one.mentions,
  ]);
  return [state.team.name, state.me.id, state.channel, rows];
}

function renderSidebar() {
  const all = [...state.channels.values()];
  const rooms = all.filter((channel) => !channel.is_im && !channel.is_archived && isShown(channel)).sort(byTitle);
  const directs = all.filter((channel) => channel.is_im && !isAppChannel(channel)).sort(byTitle);
  const written = new Set(directs.map((channel) => channel.im_user));
  const people = [...state.users.values()].filter((user) => !user.is_bot && user.id !== state.me.id);
  const others = people.filter((user) => !written.has(user.id));
  return [
    el(
      "div",
      { class: "sidebar__team" },
      el("span", { class: "sidebar__mark", "aria-hidden": "true" }, icon("anchor")),
      el("strong", {}, state.team.name),
    ),
    el("div", { class: "sidebar__scroll" }, [
      renderGroup("Channels", rooms.map(renderRoom), addButton()),
      renderGroup("Direct messages", [...directs.map(renderRoom), ...others.map(renderPerson)]),
      renderGroup("Apps", [renderApp(all.find(isAppChannel))]),
    ]),
  ];
}

function renderGroup(title, rows, extra) {
  const items = [rows, extra].flat().filter(Boolean).map((row) => el("li", {}, row));
  return el("section", { class: "side-group" }, el("h2", { class: "side-group__title" }, title), el("ul", {}, items));
}

/** One conversation; its unread count shows as weight, its mentions as a badge. */
function renderRoom(channel) {
  const user = channel.is_im ? state.users.get(channel.im_user) : null;
  const sign = user ? avatar(user, 20) : icon(channel.is_private ? "lock" : "hash", 16);
  return renderRow(channel, sign, channelTitle(channel), () => openChannel(channel.id));
}

function renderPerson(user) {
  return renderRow({ id: user.id, is_im: true }, avatar(user, 20), displayName(user), () => openDirect(user.id));
}

function renderApp(channel) {
  const bot = state.users.get(state.app.bot_user_id) ?? { is_bot: true };
  const home = { tab: "home" };
  const open = () => (channel ? openChannel(channel.id, home) : openDirect(state.app.bot_user_id, home));
  return renderRow(channel ?? { id: "app" }, avatar({ ...bot, is_bot: true }, 20), state.app.name, open);
}

function renderRow(channel, sign, title, open) {
  const isCurrent = channel.id === state.channel;
  const unread = channel.unread > 0 && !isCurrent;
  const badge = isCurrent ? 0 : channel.is_im ? channel.unread : channel.mentions;
  const hint = unread ? `${title}, ${channel.unread} unread` : title;
  return button(
    {
      class: ["side-row", isCurrent && "is-current", unread && "is-unread"].filter(Boolean).join(" "),
      "aria-current": isCurrent ? "page" : null,
      "aria-label": hint,
      data: { focus: `row-${channel.id}`, channel: channel.id },
      on: { click: open },
    },
    el("span", { class: "side-row__sign" }, sign),
    el("span", { class: "side-row__title" }, title),
    badge ? el("span", { class: "side-row__badge" }, String(badge)) : null,
  );
}

function addButton() {
  return button(
    { class: "side-row side-row--add", data: { focus: "add" }, on: { click: browseChannels } },
    el("span", { class: "side-row__sign" }, icon("plus", 16)),
    el("span", { class: "side-row__title" }, "Browse channels"),
  );
}

function isShown(channel) {
  return channel.is_member || channel.id === state.channel;
}

function byTitle(a, b) {
  return channelTitle(a).localeCompare(channelTitle(b), "en", { numeric: true });
}
