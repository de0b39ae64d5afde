/** A list to choose from, driven by the keyboard of whoever owns it. */

import { el, fill } from "./dom.js";

let count = 0;

/**
 * Items are {heading} or {value, content, detail, selected}. `onChoose(value)` hears the choice.
 * The owner keeps the focus: it forwards its keys to `handleKey` and points aria-activedescendant at `activeId`.
 */
export class Listbox {
  constructor({ label, onChoose, multiple = false, empty = "No results" }) {
    this.onChoose = onChoose;
    this.empty = empty;
    this.prefix = `listbox-${(count += 1)}`;
    this.node = el("div", { class: "listbox", role: "listbox", id: this.prefix, "aria-label": label });
    if (multiple) this.node.setAttribute("aria-multiselectable", "true");
    this.choices = [];
    this.active = -1;
  }

  /** Show other items, the first (or the selected) one active. */
  show(items, note = null) {
    this.choices = [];
    const nodes = items.map((item) => (item.heading ? this.#heading(item) : this.#option(item)));
    if (!this.choices.length) nodes.push(el("div", { class: "listbox__empty" }, note ?? this.empty));
    fill(this.node, nodes);
    const selected = this.choices.findIndex(({ item }) => item.selected);
    this.#activate(this.choices.length ? Math.max(selected, 0) : -1);
  }

  get activeId() {
    return this.choices[this.active]?.node.id ?? "";
  }

  /** Arrow keys move, Enter (and Tab, if wanted) chooses; says whether the key was used. */
  handleKey(event, { tabChooses = false } = {}) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const chooses = event.key === "Enter" || (tabChooses && event.key === "Tab" && !event.shiftKey);
    if (!this.choices.length || (!step && !chooses) || event.isComposing) return false;
    event.preventDefault();
    if (step) this.#activate((this.active + step + this.choices.length) % this.choices.length);
    else this.onChoose(this.choices[this.active].item.value);
    return true;
  }

  #activate(index) {
    this.choices[this.active]?.node.classList.remove("is-active");
    this.active = index;
    const node = this.choices[index]?.node;
    node?.classList.add("is-active");
    node?.scrollIntoView({ block: "nearest" });
  }

  #heading(item) {
    return el("div", { class: "listbox__heading", role: "presentation" }, item.heading);
  }

  #option(item) {
    const index = this.choices.length;
    const node = el(
      "div",
      {
        class: "option",
        role: "option",
        id: `${this.prefix}-${index}`,
        "aria-selected": item.selected ? "true" : "false",
        on: {
          pointerdown: (event) => event.preventDefault(),
          pointermove: () => this.active !== index && this.#activate(index),
          click: () => this.onChoose(item.value),
        },
      },
      el("span", { class: "option__content" }, item.content),
      item.detail ? el("span", { class: "option__detail" }, item.detail) : null,
    );
    this.choices.push({ item, node });
    return node;
  }
}
