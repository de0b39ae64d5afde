/** The middle of the page: header, messages or the app's Home, and the composer. */

import { Composer } from "./composer.js";
import { arrange, button, el, fill } from "./dom.js";
import { renderHeader } from "./header.js";
import { renderHome } from "./home.js";
import { icon } from "./icons.js";
import { loadEarlier, openTab, setMembership } from "./navigation.js";
import { channelTitle, currentChannel, isAppChannel, on, state } from "./store.js";
import { Timeline } from "./timeline.js";

const ARCHIVED = "This channel is archived. Nobody can write in it.";

/** Build the conversation into `main` and keep it true. */
export function mountConversation(main) {
  const head = el("div", { class: "conversation__head" });
  const tabs = el("div", { class: "tabs", role: "tablist", "aria-label": "App", hidden: true });
  const timeline = new Timeline({ label: "Messages", onStart: () => loadEarlier(state.channel) });
  const home = el("div", { class: "home", hidden: true });
  const composer = new Composer({ placeholder: () => placeholder(currentChannel()) });
  const foot = el("div", { class: "conversation__foot" });
  fill(main, head, tabs, timeline.node, home, foot);

  const drawHead = () => currentChannel() && renderHeader(head, currentChannel(), (ts) => timeline.show(ts));
  const drawMessages = () => renderMessages(timeline);
  const drawPlace = () => {
    const channel = currentChannel();
    if (!channel) return;
    const atHome = isAppChannel(channel) && state.tab === "home";
    drawHead();
    renderTabs(tabs, channel);
    timeline.node.hidden = foot.hidden = atHome;
    home.hidden = !atHome;
    arrange(foot, [renderFoot(channel, composer)]);
    composer.moveTo(channel.id);
    drawMessages();
    if (atHome) renderHome(home);
  };
  on("boot", drawPlace);
  on("place", drawPlace);
  on("show", (ts) => timeline.show(ts));
  on("home", () => !home.hidden && renderHome(home));
  on("messages", ({ channel }) => channel === state.channel && drawMessages());
  on("channels", () => {
    drawHead();
    if (currentChannel()) arrange(foot, [renderFoot(currentChannel(), composer)]);
    drawMessages();
  });
}

function renderMessages(timeline) {
  const channel = currentChannel();
  const history = state.histories.get(channel?.id);
  if (!history) return;
  const intro = history.hasMore ? null : renderIntro(channel);
  const options = { messages: history.messages, channel: channel.id, intro, unreadFrom: state.unreadFrom };
  timeline.render(`${state.me.id}/${channel.id}`, options);
}

let introFor = {};

function renderIntro(channel) {
  const key = `${channel.id}/${channelTitle(channel)}/${channel.purpose}`;
  if (introFor.key !== key) introFor = { key, node: buildIntro(channel) };
  return introFor.node;
}

function buildIntro(channel) {
  const sign = channel.is_im ? null : icon(channel.is_private ? "lock" : "hash", 24);
  const words = channel.is_im
    ? "This is the start of your conversation. Only the two of you can see it."
    : "This is where the channel begins.";
  return el(
    "div",
    { class: "intro" },
    el("h2", { class: "intro__title" }, sign, channelTitle(channel)),
    el("p", {}, words, " ", channel.purpose),
  );
}

function renderTabs(tabs, channel) {
  tabs.hidden = !isAppChannel(channel);
  const tab = (name, label) => {
    const selected = state.tab === name ? "true" : "false";
    return button({ class: "tab", role: "tab", "aria-selected": selected, on: { click: () => openTab(name) } }, label);
  };
  fill(tabs, tab("home", "Home"), tab("messages", "Messages"));
}

function renderFoot(channel, composer) {
  if (channel.is_archived) return el("div", { class: "foot-note" }, ARCHIVED);
  if (channel.is_member || channel.is_im) return composer.node;
  const join = button(
    { class: "button button--primary", on: { click: () => setMembership(channel.id, true) } },
    "Join channel",
  );
  return el(
    "div",
    { class: "foot-note" },
    el("span", {}, "You are looking at ", el("strong", {}, `#${channel.name}`)),
    join,
  );
}

function placeholder(channel) {
  return channel?.is_im ? `Message ${channelTitle(channel)}` : `Message #${channelTitle(channel)}`;
}
