/** The head of a conversation: name, topic, members, pins and bookmarks. */

import { avatar } from "./avatar.js";
import { formatMoment, secondsOf } from "./clock.js";
import { openDialog } from "./dialogs.js";
import { button, drawFacts, el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { authorOf, fetchMessage } from "./message.js";
import { isSafeUrl } from "./mrkdwn.js";
import { invite, openDirect, setMembership } from "./navigation.js";
import { closePopover, togglePopover } from "./popover.js";
import { channelTitle, displayName, findMessage, isAppChannel, state } from "./store.js";
import { renderEmoji, renderTopic, summaryOf } from "./text.js";

const FACES = 3;
const SLACKBOT = "USLACKBOT"; // it is everywhere already

/** Draw the head of `channel` into `head`; `onPin(ts)` is told which pinned message to show. */
export function renderHeader(head, channel, onPin) {
  const { unread: _, mentions: __, last_read: ___, ...facts } = channel;
  drawFacts(head, [state.me.id, facts], () => [
    el(
      "div",
      { class: "head-row" },
      menuButton(),
      el(
        "div",
        { class: "head-row__text" },
        el("h1", { class: "head-row__name" }, renderName(channel)),
        channel.topic && el("div", { class: "head-row__topic", title: channel.topic }, renderTopic(channel.topic)),
      ),
      renderPinsButton(channel, onPin),
      channel.is_im ? null : renderMembersButton(channel),
    ),
    renderBookmarks(channel),
  ]);
}

function menuButton() {
  const open = () => document.getElementById("app").classList.add("is-sidebar-open");
  return button({ class: "icon-button menu-button", label: "Open the sidebar", on: { click: open } }, icon("menu"));
}

function renderName(channel) {
  if (!channel.is_im) return [icon(channel.is_private ? "lock" : "hash"), el("span", { class: "head-row__title" }, channel.name)];
  const user = state.users.get(channel.im_user);
  const title = isAppChannel(channel) ? el("span", { class: "app-badge" }, "APP") : el("small", {}, user?.title);
  return [avatar(user, 24), channelTitle(channel), title];
}

function renderMembersButton(channel) {
  const people = channel.members.map((id) => state.users.get(id)).filter(Boolean);
  const faces = people.slice(0, FACES).map((user) => avatar(user, 22));
  const open = () => showMembers(channel, people);
  return button(
    { class: "members-button", label: `${people.length} members`, on: { click: open } },
    el("span", { class: "members-button__faces" }, faces),
    String(people.length),
  );
}

function showMembers(channel, people) {
  const row = (user) =>
    button(
      { class: "person-row", on: { click: () => (dialog.close(), openDirect(user.id)) } },
      avatar(user, 32),
      el("span", {}, el("strong", {}, displayName(user)), el("small", {}, user.title)),
    );
  const leave = () => {
    dialog.close();
    setMembership(channel.id, false);
  };
  const inside = new Set([...channel.members, SLACKBOT]);
  const outside = [...state.users.values()].filter((user) => !inside.has(user.id));
  const add = (user) =>
    button(
      { class: "person-row", on: { click: () => (dialog.close(), invite(channel.id, user.id)) } },
      avatar(user, 32),
      el("span", {}, el("strong", {}, displayName(user)), el("small", {}, user.title)),
      el("span", { class: "person-row__verb" }, "Add"),
    );
  const dialog = openDialog({
    title: `#${channel.name}: ${people.length} members`,
    body: [
      channel.purpose && el("p", { class: "muted" }, channel.purpose),
      people.map(row),
      channel.is_member && !channel.is_archived && outside.length > 0 && [
        el("h3", {}, "Not in this channel"),
        outside.map(add),
      ],
    ],
    footer: channel.is_member && button({ class: "button", on: { click: leave } }, "Leave channel"),
  });
}

function renderPinsButton(channel, onPin) {
  const count = channel.pins?.length ?? 0;
  if (!count) return null;
  const open = (event) => {
    const list = el("div", { class: "pins" }, el("div", { class: "muted" }, "Loading…"));
    togglePopover(event.currentTarget, () => list, { align: "end", label: "Pinned messages" });
    listPins(list, channel, onPin);
  };
  return button(
    { class: "head-button", label: `${count} pinned`, on: { click: open } },
    icon("pin", 16),
    String(count),
  );
}

async function listPins(list, channel, onPin) {
  const found = channel.pins.map((ts) => findMessage(channel.id, ts) ?? fetchMessage(channel.id, ts));
  const messages = (await Promise.all(found)).filter(Boolean);
  const show = (message) => () => {
    closePopover();
    onPin(message.ts);
  };
  const row = (message) =>
    button(
      { class: "pin-row", on: { click: show(message) } },
      el("strong", {}, authorOf(message).name),
      el("small", {}, formatMoment(secondsOf(message.ts))),
      el("span", {}, summaryOf(message)),
    );
  fill(
    list,
    messages.length ? messages.map(row) : el("div", { class: "muted" }, "The pinned messages are in threads."),
  );
}

function renderBookmarks(channel) {
  if (!channel.bookmarks?.length) return null;
  const link = (mark) => {
    const sign = mark.emoji ? renderEmoji(mark.emoji.replace(/:/g, "")) : icon("bookmark", 15);
    if (!isSafeUrl(mark.link)) return el("span", { class: "bookmark" }, sign, mark.title);
    return el(
      "a",
      { class: "bookmark", href: mark.link, target: "_blank", rel: "noopener noreferrer" },
      sign,
      mark.title,
    );
  };
  return el("div", { class: "bookmarks", role: "group", "aria-label": "Bookmarks" }, channel.bookmarks.map(link));
}
