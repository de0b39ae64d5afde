/** Every select of Block Kit: static, external, users, conversations and channels, single and multiple. */

import { avatar } from "./avatar.js";
import { confirm } from "./dialogs.js";
import { button, el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { Listbox } from "./listbox.js";
import { closePopover, isOpenAt, openPopover, place } from "./popover.js";
import { channelTitle, displayName, state } from "./store.js";
import { plainString, renderText } from "./text.js";

const OPTION_FIELDS = { one: "selected_option", many: "selected_options", initial: "initial_option" };
const KINDS = {
  static: { ...OPTION_FIELDS, source: staticItems },
  external: { ...OPTION_FIELDS, source: externalItems },
  users: { one: "selected_user", many: "selected_users", initial: "initial_user", source: userItems },
  conversations: {
    one: "selected_conversation",
    many: "selected_conversations",
    initial: "initial_conversation",
    source: conversationItems,
  },
  channels: { one: "selected_channel", many: "selected_channels", initial: "initial_channel", source: channelItems },
};
const TYPING_PAUSE_MS = 200;

export const SELECT_TYPES = Object.keys(KINDS).flatMap((kind) => [`${kind}_select`, `multi_${kind}_select`]);

/** One select: a button that opens a list with a search field; several choices show as tokens. */
export function renderSelect(element, slot) {
  return new Select(element, slot).control;
}

class Select {
  constructor(element, slot) {
    Object.assign(this, { element, slot });
    this.many = element.type.startsWith("multi_");
    this.kind = KINDS[element.type.replace(/^multi_/, "").replace(/_select$/, "")];
    this.field = this.many ? this.kind.many : this.kind.one;
    this.control = button({
      class: this.many ? "select select--many" : "select",
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      data: { action: element.action_id, focus: `${slot.blockId}/${element.action_id}` },
      on: { click: () => this.toggle() },
    });
    slot.form.open(slot.blockId, element.action_id, { type: element.type, [this.field]: this.initial() });
    this.draw();
  }

  initial() {
    const { element, kind, many } = this;
    const given = element[many ? `${kind.initial}s` : kind.initial];
    const current = element.default_to_current_conversation ? state.channel : null;
    if (many) return given ?? (current ? [current] : []);
    return given ?? current;
  }

  /** What is chosen: option objects or ids. */
  get chosen() {
    const held = this.slot.form.open(this.slot.blockId, this.element.action_id, { type: this.element.type });
    return [held[this.field] ?? []].flat();
  }

  draw() {
    const placeholder = plainString(this.element.placeholder) || "Choose…";
    const className = this.many ? "token" : "select__value";
    const labels = this.chosen.map((value) => el("span", { class: className }, labelOf(value)));
    const shown = labels.length ? labels : el("span", { class: "select__placeholder" }, placeholder);
    const name = this.slot.label ?? placeholder;
    const values = this.chosen.map(nameOf).join(", ");
    this.control.setAttribute("aria-label", values ? `${name}: ${values}` : name);
    fill(this.control, el("span", { class: "select__values" }, shown), icon("down", 16));
  }

  toggle() {
    if (isOpenAt(this.control)) return closePopover(true);
    this.list = new Listbox({
      label: this.slot.label ?? "Options",
      multiple: this.many,
      onChoose: (value) => this.choose(value),
    });
    const search = el("input", {
      class: "input select__search",
      type: "text",
      role: "combobox",
      "data-autofocus": true,
      placeholder: "Search",
      "aria-label": "Search options",
      "aria-controls": this.list.prefix,
      "aria-expanded": "true",
      on: { input: () => this.searchSoon(search), keydown: (event) => this.key(event, search) },
    });
    openPopover(
      this.control,
      [search, this.list.node],
      { class: "select-menu", matchWidth: true, label: this.slot.label },
    );
    this.load(search.value);
  }

  key(event, search) {
    if (!this.list.handleKey(event) && event.key === "Tab") closePopover(true);
    search.setAttribute("aria-activedescendant", this.list.activeId);
  }

  searchSoon(search) {
    clearTimeout(this.timer);
    const wait = this.kind.source === externalItems ? TYPING_PAUSE_MS : 0;
    this.timer = setTimeout(() => this.load(search.value), wait);
  }

  async load(query) {
    this.query = query;
    const least = this.element.min_query_length ?? 3;
    if (this.kind.source === externalItems && query.length < least) {
      return this.list.show([], least > 1 ? `Type at least ${least} characters.` : "Type to search.");
    }
    if (this.kind.source === externalItems) this.list.show([], "Loading…");
    const items = await this.kind.source(this, query);
    if (query !== this.query) return;
    const chosen = new Set(this.chosen.map(valueOf));
    const marked = (item) => (item.heading ? item : { ...item, selected: chosen.has(valueOf(item.value)) });
    this.list.show(items.map(marked));
    place();
  }

  async choose(value) {
    if (!this.many) closePopover(true);
    if (this.slot.act && !(await confirm(this.element.confirm))) return;
    const next = this.many ? toggled(this.chosen, value, this.element.max_selected_items) : value;
    const held = { type: this.element.type, [this.field]: next };
    this.slot.form.set(this.slot.blockId, this.element.action_id, held);
    this.draw();
    if (this.many && isOpenAt(this.control)) this.load(this.query);
    this.slot.changed();
    await this.slot.act?.(held, this.control);
  }
}

function toggled(chosen, value, most = Infinity) {
  const without = chosen.filter((other) => valueOf(other) !== valueOf(value));
  if (without.length < chosen.length) return without;
  return chosen.length < most ? [...chosen, value] : chosen;
}

function staticItems({ element }, query) {
  const groups = element.option_groups ?? [{ options: element.options }];
  const search = (options) => options.filter((option) => matches(option, query));
  return groupItems(groups.map((group) => ({ ...group, options: search(group.options) })));
}

async function externalItems({ slot, element }, query) {
  const answer = await slot.options(element.action_id, query);
  return groupItems(answer.option_groups ?? [{ options: answer.options ?? [] }]);
}

function groupItems(groups) {
  return groups
    .filter((group) => group.options.length)
    .flatMap((group) => [
      ...(group.label ? [{ heading: plainString(group.label) }] : []),
      ...group.options.map((option) => ({
        value: option,
        content: renderText(option.text),
        detail: option.description && plainString(option.description),
      })),
    ]);
}

function userItems(_, query) {
  const users = [...state.users.values()].filter((user) => holds(query, displayName(user), user.name, user.title));
  return users.map((user) => ({
    value: user.id,
    content: [avatar(user, 20), displayName(user)],
    detail: user.title,
  }));
}

function channelItems(_, query) {
  return conversationItems({ element: { filter: { include: ["public"] } } }, query);
}

function conversationItems({ element }, query) {
  const { include, exclude_bot_users: withoutBots } = element.filter ?? {};
  const wanted = [...state.channels.values()].filter((channel) => {
    const kind = channel.is_im ? "im" : channel.is_private ? "private" : "public";
    if (channel.is_archived || (include && !include.includes(kind))) return false;
    if (withoutBots && channel.is_im && state.users.get(channel.im_user)?.is_bot) return false;
    return holds(query, channelTitle(channel));
  });
  return wanted.map((channel) => ({ value: channel.id, content: labelOf(channel.id) }));
}

function labelOf(value) {
  if (typeof value !== "string") return renderText(value.text);
  const channel = state.channels.get(value);
  if (channel && !channel.is_im) return [icon(channel.is_private ? "lock" : "hash", 15), channel.name];
  const user = state.users.get(channel ? channel.im_user : value);
  return user ? [avatar(user, 18), displayName(user)] : value;
}

function nameOf(value) {
  if (typeof value !== "string") return plainString(value.text);
  const channel = state.channels.get(value);
  return channel ? channelTitle(channel) : displayName(state.users.get(value));
}

function valueOf(value) {
  return typeof value === "string" ? value : value.value;
}

function matches(option, query) {
  return holds(query, plainString(option.text), plainString(option.description));
}

function holds(query, ...texts) {
  return texts.some((text) => text?.toLowerCase().includes(query.trim().toLowerCase()));
}
