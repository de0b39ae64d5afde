/** Where one writes: messages, slash commands, files. */

import { tell } from "./api.js";
import { findCommand, findCompletion } from "./completion.js";
import { button, el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { Listbox } from "./listbox.js";
import { uploadFiles } from "./navigation.js";
import { closePopover, togglePopover } from "./popover.js";
import { pickEmoji } from "./reactions.js";
import { state } from "./store.js";

const FORMATS = [
  ["bold", "Bold", "*", "*"],
  ["italic", "Italic", "_", "_"],
  ["strike", "Strikethrough", "~", "~"],
  ["code", "Code", "`", "`"],
  ["quote", "Quote", "> ", ""],
  ["list", "List", "• ", ""],
];

/** Failures of a command that the workspace itself tells, in a message that only this person sees. */
const TOLD_IN_CHANNEL = ["operation_timeout", "dispatch_failed", "dispatch_unknown_error"];

/** One composer; it keeps a draft for every conversation and person. */
export class Composer {
  #drafts = new Map();
  #key = null;
  #completion = null;

  constructor({ placeholder, thread = false }) {
    this.placeholder = placeholder;
    this.inThread = thread;
    this.list = new Listbox({ label: "Suggestions", onChoose: (value) => this.#complete(value) });
    this.menu = el("div", { class: "composer__menu", hidden: true }, this.list.node);
    this.notice = el("div", { class: "composer__notice", role: "status", hidden: true });
    this.text = this.#buildText();
    this.send = button(
      { class: "composer__send", label: "Send", disabled: true, on: { click: () => this.#submit() } },
      icon("send", 18),
    );
    this.node = el(
      "div",
      { class: "composer" },
      this.menu,
      this.notice,
      el("div", { class: "composer__box" }, this.#buildFormats(), this.text, this.#buildTools()),
    );
    this.#listenForFiles();
  }

  /** Write into another conversation from now on; its draft comes back. */
  moveTo(channel, thread = null) {
    this.channel = channel;
    this.thread = thread;
    this.text.placeholder = this.placeholder();
    this.text.setAttribute("aria-label", this.placeholder());
    const key = `${state.me.id}/${channel}/${thread ?? ""}`;
    if (key === this.#key) return;
    this.#key = key;
    this.#setText(this.#drafts.get(key) ?? "");
    if (matchMedia("(hover: hover)").matches && !document.querySelector("dialog[open]")) this.text.focus();
  }

  #buildText() {
    return el("textarea", {
      class: "composer__text",
      rows: 1,
      dir: "auto",
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": this.list.prefix,
      on: {
        input: () => this.#changed(),
        click: () => this.#suggest(),
        keydown: (event) => this.#pressed(event),
        blur: () => this.#hideMenu(),
      },
    });
  }

  #buildFormats() {
    const buttons = FORMATS.map(([name, label, before, after]) =>
      button({ class: "icon-button", label, on: { click: () => this.#wrap(before, after) } }, icon(name, 18)),
    );
    return el("div", { class: "composer__formats", role: "toolbar", "aria-label": "Formatting" }, buttons);
  }

  #buildTools() {
    const picker = el("input", { type: "file", multiple: true, hidden: true, "aria-label": "Files" });
    picker.addEventListener("change", () => uploadFiles([...picker.files], this.thread));
    const tool = (name, label, click) => button({ class: "icon-button", label, on: { click } }, icon(name, 18));
    return el(
      "div",
      { class: "composer__tools" },
      tool("clip", "Attach a file", () => picker.click()),
      picker,
      tool("smile", "Insert emoji", (event) => pickEmoji(event.currentTarget, (name) => this.#insert(`:${name}: `))),
      tool("at", "Mention somebody", () => this.#insert("@")),
      this.inThread ? null : tool("slash", "Start a command", () => this.#startCommand()),
      this.inThread ? null : tool("bolt", "Shortcuts", (event) => this.#openShortcuts(event.currentTarget)),
      el("span", { class: "composer__hint" }, el("b", {}, "Shift + Enter"), " for a new line"),
      this.send,
    );
  }

  #pressed(event) {
    if (this.#completion && this.list.handleKey(event, { tabChooses: true })) return this.#pointAtActive();
    if (event.key === "Escape" && this.#completion) {
      event.stopPropagation();
      return this.#hideMenu();
    }
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return undefined;
    event.preventDefault();
    return this.#submit();
  }

  #changed() {
    this.#drafts.set(this.#key, this.text.value);
    this.send.disabled = !this.text.value.trim();
    this.text.style.height = "auto";
    this.text.style.height = `${this.text.scrollHeight}px`;
    this.#suggest();
    this.#explainCommand();
  }

  #suggest() {
    const { value, selectionStart, selectionEnd } = this.text;
    const found = selectionStart === selectionEnd ? findCompletion(value, selectionStart) : null;
    if (!found) return this.#hideMenu();
    this.#completion = found;
    this.menu.hidden = false;
    this.text.setAttribute("aria-expanded", "true");
    this.list.show(found.items);
    return this.#pointAtActive();
  }

  #pointAtActive() {
    this.text.setAttribute("aria-activedescendant", this.list.activeId);
  }

  #hideMenu() {
    this.#completion = null;
    this.menu.hidden = true;
    this.text.setAttribute("aria-expanded", "false");
    this.text.removeAttribute("aria-activedescendant");
  }

  #complete(value) {
    const { start } = this.#completion;
    this.text.setRangeText(value, start, this.text.selectionStart, "end");
    this.#hideMenu();
    this.text.focus();
    this.#changed();
  }

  /** Above the composer: how the command that is being typed is used. */
  #explainCommand() {
    const command = this.inThread ? null : findCommand(this.text.value);
    if (!command) return this.#note(null);
    const { command: name, usage_hint: usage, description } = command;
    return this.#note([el("strong", {}, name), " ", el("code", {}, usage), el("span", { class: "muted" }, description)]);
  }

  #note(content, isError = false) {
    this.notice.hidden = !content;
    this.notice.classList.toggle("composer__notice--error", isError);
    fill(this.notice, content);
  }

  async #submit() {
    const text = this.text.value.trim();
    if (!text) return;
    const refusal = text.startsWith("/") ? this.#refuseCommand(text) : null;
    if (refusal) return this.#note(refusal, true);
    const [key, typed] = [this.#key, this.text.value];
    this.#setText("");
    const answer = text.startsWith("/") ? await this.#sendCommand(text) : await this.#sendMessage(text);
    const isTold = TOLD_IN_CHANNEL.includes(answer.error);
    if (answer.ok === false && !isTold && key === this.#key && !this.text.value) this.#setText(typed);
  }

  #refuseCommand(text) {
    const word = text.split(/\s/, 1)[0];
    if (this.inThread) return `${word} cannot be used in a thread. Mention the app instead.`;
    if (state.commands.some((one) => one.command === word)) return null;
    return `${word} is not a command here. A message that starts with “/” is read as one.`;
  }

  #sendCommand(text) {
    const [command] = text.split(/\s/, 1);
    return tell(
      "command",
      { channel: this.channel, command, text: text.slice(command.length).trim() },
      TOLD_IN_CHANNEL,
    );
  }

  #sendMessage(text) {
    const thread = this.thread ? { thread_ts: this.thread } : {};
    return tell("message", { channel: this.channel, text, ...thread });
  }

  #setText(value) {
    this.text.value = value;
    this.#changed();
    this.#hideMenu();
  }

  #insert(value) {
    this.text.focus();
    const before = this.text.value.slice(0, this.text.selectionStart);
    const gap = value === "@" && before && !/\s$/.test(before) ? " " : "";
    this.text.setRangeText(gap + value, this.text.selectionStart, this.text.selectionEnd, "end");
    this.#changed();
  }

  #wrap(before, after) {
    const { selectionStart: start, selectionEnd: end, value } = this.text;
    this.text.focus();
    this.text.setRangeText(before + value.slice(start, end) + after, start, end, "end");
    if (start === end && after) this.text.setSelectionRange(start + before.length, start + before.length);
    this.#changed();
  }

  #startCommand() {
    if (!this.text.value) this.#setText("/");
    this.text.focus();
    this.#suggest();
  }

  #openShortcuts(anchor) {
    const shortcuts = state.shortcuts.filter((shortcut) => shortcut.type === "global");
    const list = new Listbox({
      label: "Shortcuts",
      empty: "The app has no shortcuts",
      onChoose: (callback_id) => (closePopover(), tell("shortcut", { callback_id, channel: this.channel })),
    });
    list.show(shortcuts.map((one) => ({ value: one.callback_id, content: one.name, detail: one.description })));
    list.node.tabIndex = 0;
    list.node.setAttribute("data-autofocus", "");
    list.node.addEventListener("keydown", (event) => list.handleKey(event));
    togglePopover(anchor, () => list.node, { label: "Shortcuts" });
  }

  #listenForFiles() {
    this.text.addEventListener("paste", (event) => {
      if (!event.clipboardData.files.length) return;
      event.preventDefault();
      uploadFiles([...event.clipboardData.files], this.thread);
    });
    this.node.addEventListener("dragover", (event) => event.preventDefault());
    this.node.addEventListener("drop", (event) => {
      event.preventDefault();
      uploadFiles([...event.dataTransfer.files], this.thread);
    });
  }
}
