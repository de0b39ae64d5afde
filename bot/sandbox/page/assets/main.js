/** Puts the page together: fetch who and where we are, draw, and listen. */

import { get } from "./api.js";
import { openJump } from "./channels.js";
import { mountConversation } from "./conversation.js";
import { button, el, fill } from "./dom.js";
import { learnEmoji } from "./emoji.js";
import { applyEvent } from "./events.js";
import { loadHome } from "./home.js";
import { icon } from "./icons.js";
import { mountModals } from "./modal.js";
import { firstChannel, markRead, openChannel, readAddress } from "./navigation.js";
import { mountPanel } from "./panel.js";
import { renderPersonButton } from "./people.js";
import { mountSidebar } from "./sidebar.js";
import { loadStage, renderStageButton } from "./stage.js";
import { absorbBoot, channelTitle, currentChannel, emit, isAppChannel, on, state } from "./store.js";
import { holdEvents, listen } from "./stream.js";
import { toast } from "./toasts.js";

const app = document.getElementById("app");

/** Become `user`, staying in the channel if this person may see it. */
async function enter(user, { channel = state.channel, thread = null } = {}) {
  await listen(user, { onEvent: applyEvent, onAgain: () => comeBack(user), onState: showConnection });
  await holdEvents(async () => absorb(user, await get("boot", { user })));
  const isVisible = state.channels.has(channel);
  await openChannel(isVisible ? channel : firstChannel(), { thread: isVisible ? thread : null, tab: state.tab });
  app.setAttribute("aria-busy", "false");
}

function absorb(user, boot) {
  if (boot.ok === false) throw new Error(`${user}: ${boot.error}`);
  localStorage.setItem("person", user);
  absorbBoot(boot);
  learnEmoji(boot.emoji);
  emit("boot");
}

/** Something may have been missed. */
function comeBack(user) {
  enter(user, state);
  loadStage();
}

function mountTopbar() {
  const jump = button(
    { class: "topbar__jump", on: { click: openJump } },
    icon("search", 16),
    el("span", {}, "Jump to a channel or person"),
    el("kbd", {}, "Ctrl K"),
  );
  const lost = el("span", { class: "topbar__lost", id: "lost", role: "status", hidden: true }, "Reconnecting…");
  const right = el(
    "div",
    { class: "topbar__right" },
    lost,
    renderStatusLink(document.body.dataset.status),
    renderStageButton(),
    renderPersonButton((user) => enter(user)),
  );
  fill(document.getElementById("topbar"), el("div", { class: "topbar__left" }), jump, right);
}

/** What users see: the public status page, where there is one. */
function renderStatusLink(href) {
  const link = { class: "topbar__button status-link", href, target: "_blank", rel: "noopener", "aria-label": "Status page" };
  return href && el("a", link, icon("window", 16), el("span", {}, "Status page"));
}

function showConnection(isUp) {
  document.getElementById("lost").hidden = isUp;
}

function drawTitle() {
  const mentions = [...state.channels.values()].reduce(
    (sum, one) => sum + (one.is_im ? one.unread : one.mentions),
    0,
  );
  const place = channelTitle(currentChannel());
  document.title = `${mentions ? `(${mentions}) ` : ""}${place} · ${state.team.name}`;
}

function followAddress() {
  const { user, channel, thread } = readAddress();
  if (user && user !== state.me?.id) return enter(user, { channel, thread });
  return state.channels.has(channel) ? openChannel(channel, { thread }) : null;
}

mountTopbar();
mountSidebar(document.getElementById("sidebar"));
mountConversation(document.getElementById("conversation"));
mountPanel(document.getElementById("panel"));
mountModals();
for (const topic of ["boot", "place", "channels"]) on(topic, () => currentChannel() && drawTitle());
on("place", () => isAppChannel(currentChannel()) && state.tab === "home" && loadHome());
addEventListener("popstate", followAddress);
document.addEventListener("visibilitychange", markRead);
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "k") return;
  event.preventDefault();
  openJump();
});

try {
  const { user, channel, thread, ts } = readAddress();
  await enter(user, { channel, thread });
  if (ts) emit("show", ts);
  await loadStage();
} catch (error) {
  toast(`The workspace could not be opened: ${error.message}`, "error");
  throw error;
}
