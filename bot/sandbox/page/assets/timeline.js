/** A scrolling list of messages: of a channel or of a thread. */

import { dayKey, formatDay, secondsOf } from "./clock.js";
import { arrange, button, el } from "./dom.js";
import { icon } from "./icons.js";
import { authorOf, renderMessage } from "./message.js";
import { state } from "./store.js";

const GROUP_WITHIN_S = 300;
const NEAR_END_PX = 60;
const NEAR_START_PX = 200;

/** Keeps to the end while the reader is there, and stays put while the reader is elsewhere. */
export class Timeline {
  #drawn = new Map();
  #dividers = new Map();
  #key = null;
  #atEnd = true;
  #top = 0;
  #pressed = false;
  #held = null;

  constructor({ inThread = false, label, onStart }) {
    this.inThread = inThread;
    this.list = el("div", { class: "timeline__list", role: "log", "aria-live": "off", "aria-label": label });
    this.scroller = el("div", { class: "timeline__scroller", tabindex: "0", "aria-label": label }, this.list);
    this.jump = button(
      { class: "timeline__jump", hidden: true, on: { click: () => this.toEnd() } },
      icon("down", 16),
      "New messages",
    );
    this.node = el("div", { class: "timeline" }, this.scroller, this.jump);
    this.scroller.addEventListener("scroll", () => this.#scrolled(onStart), { passive: true });
    this.list.addEventListener("pointerdown", () => (this.#pressed = true));
    for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, () => this.#release());
    const follow = new ResizeObserver(() => this.#staysAtEnd() && this.toEnd());
    follow.observe(this.list);
    follow.observe(this.scroller);
  }

  /** Show `messages` of `channel`; `key` names the conversation, `intro` stands above the first message. */
  render(key, given) {
    if (this.#pressed && key === this.#key) {
      this.#held = given; // a button that is exchanged while it is pressed would not be clicked
      return undefined;
    }
    this.#held = null;
    return this.#draw(key, given);
  }

  #draw(key, { messages, channel, intro = null, unreadFrom = null }) {
    if (key !== this.#key) this.#reset(key);
    const grew = messages.at(-1)?.ts !== this.lastTs;
    this.lastTs = messages.at(-1)?.ts;
    const isOlder = this.firstTs !== messages[0]?.ts;
    this.firstTs = messages[0]?.ts;
    const nodes = [intro, ...this.#nodes(messages, channel, unreadFrom)].filter(Boolean);
    if (this.#staysAtEnd()) {
      arrange(this.list, nodes);
      return this.toEnd();
    }
    const fromEnd = this.scroller.scrollHeight - this.scroller.scrollTop;
    arrange(this.list, nodes);
    if (isOlder) this.scroller.scrollTop = this.scroller.scrollHeight - fromEnd;
    else if (grew) this.jump.hidden = false;
    return undefined;
  }

  /** The click comes after the release: what was held is drawn after that. */
  #release() {
    if (!this.#pressed) return;
    this.#pressed = false;
    setTimeout(() => this.#held && !this.#pressed && this.render(this.#key, this.#held));
  }

  toEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.jump.hidden = true;
    this.#atEnd = true;
    this.#top = this.scroller.scrollTop;
  }

  /** At the end, and nobody has scrolled up since: the event that says so may come after the next message. */
  #staysAtEnd() {
    return this.#atEnd && this.scroller.scrollTop > this.#top - NEAR_END_PX;
  }

  /** Bring one message into view and mark it for a moment. */
  show(ts) {
    const node = this.#drawn.get(ts)?.node;
    if (!node) return;
    this.#atEnd = false;
    node.scrollIntoView({ block: "center" });
    node.classList.add("is-marked");
    setTimeout(() => node.classList.remove("is-marked"), 2000);
  }

  #reset(key) {
    this.#key = key;
    this.#drawn.clear();
    this.#dividers.clear();
    this.#atEnd = true;
    this.#top = 0;
    this.lastTs = this.firstTs = undefined;
    this.jump.hidden = true;
  }

  #scrolled(onStart) {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    this.#atEnd = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    this.#top = scrollTop;
    if (this.#atEnd) this.jump.hidden = true;
    if (scrollTop < NEAR_START_PX && scrollHeight > clientHeight) onStart?.();
  }

  #nodes(messages, channel, unreadFrom) {
    const nodes = [];
    let before = null;
    for (const message of messages) {
      const newDay = !before || dayKey(secondsOf(before.ts)) !== dayKey(secondsOf(message.ts));
      const firstUnread = isFirstUnread(message, before, unreadFrom);
      const day = formatDay(secondsOf(message.ts));
      if (newDay && !this.inThread) nodes.push(this.#divider(`day-${message.ts}`, "day", day));
      if (firstUnread) nodes.push(this.#divider("new", "new", "New"));
      const afterLine = newDay || firstUnread || (this.inThread && before === messages[0]);
      const grouped = !afterLine && continues(before, message);
      nodes.push(this.#message(message, { channel, grouped, inThread: this.inThread }));
      if (this.inThread && !before) nodes.push(this.#divider("replies", "replies", countReplies(messages)));
      before = message;
    }
    this.#forget(messages);
    return nodes;
  }

  #divider(key, kind, text) {
    const known = this.#dividers.get(key);
    if (known?.textContent === text) return known;
    const node = el("div", { class: `divider divider--${kind}`, role: "separator" }, el("span", {}, text));
    this.#dividers.set(key, node);
    return node;
  }

  #message(message, options) {
    const pinned = state.channels.get(options.channel)?.pins?.includes(message.ts);
    const known = this.#drawn.get(message.ts);
    if (known?.message === message && known.grouped === options.grouped && known.pinned === pinned) return known.node;
    const node = renderMessage(message, options);
    this.#drawn.set(message.ts, { message, node, pinned, grouped: options.grouped });
    return node;
  }

  #forget(messages) {
    const present = new Set(messages.map((message) => message.ts));
    for (const ts of this.#drawn.keys()) if (!present.has(ts)) this.#drawn.delete(ts);
  }
}

function countReplies(messages) {
  const count = messages.length - 1;
  return count > 0 ? `${count} ${count === 1 ? "reply" : "replies"}` : "No replies yet";
}

function continues(before, message) {
  if (before.ephemeral !== message.ephemeral || before.subtype !== message.subtype) return false;
  if (message.pinned_to?.length || before.pinned_to?.length) return false;
  if (secondsOf(message.ts) - secondsOf(before.ts) > GROUP_WITHIN_S) return false;
  return authorOf(before).key === authorOf(message).key;
}

function isFirstUnread(message, before, unreadFrom) {
  if (!unreadFrom || message.ts <= unreadFrom || message.user === state.me.id) return false;
  return !before || before.ts <= unreadFrom;
}
