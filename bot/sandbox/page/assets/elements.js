/**
 * Interactive elements of Block Kit.
 *
 * Every renderer takes (element, slot): slot.blockId, slot.form, slot.label, slot.act(state, control) to tell the
 * app (absent in input blocks that do not dispatch), slot.changed() and slot.options(query) for external selects.
 */

import { confirm } from "./dialogs.js";
import { button, el } from "./dom.js";
import { icon } from "./icons.js";
import { Listbox } from "./listbox.js";
import { isSafeUrl } from "./mrkdwn.js";
import { renderDatePicker, renderDateTimePicker, renderTimePicker } from "./pickers.js";
import { closePopover, togglePopover } from "./popover.js";
import { SELECT_TYPES, renderSelect } from "./selects.js";
import { renderImage } from "./images.js";
import { plainString, renderPlain, renderText } from "./text.js";
import { renderTextInput } from "./textinputs.js";

/** One element as a node; an unknown one is named rather than dropped. */
export function renderElement(element, slot) {
  const render = RENDERERS[element.type];
  if (!render) return el("span", { class: "unknown-block" }, `This page cannot show “${element.type}”.`);
  return render(element, slot);
}

/** Show that a control works until `work` ends. */
export async function whileBusy(control, work) {
  if (control.classList.contains("is-busy")) return null;
  control.classList.add("is-busy");
  control.setAttribute("aria-busy", "true");
  try {
    return await work();
  } finally {
    control.classList.remove("is-busy");
    control.removeAttribute("aria-busy");
  }
}

function renderButton(element, slot) {
  const style = element.style ? `button--${element.style}` : "";
  const control = button(
    {
      class: `button ${style}`,
      "aria-label": element.accessibility_label,
      data: { action: element.action_id, focus: `${slot.blockId}/${element.action_id}` },
      on: { click: () => press(element, slot, control) },
    },
    el("span", { class: "button__text" }, renderPlain(element.text.text, element.text.emoji !== false)),
    element.url ? icon("window", 14) : null,
  );
  return control;
}

async function press(element, slot, control) {
  if (!(await confirm(element.confirm))) return;
  if (element.url && isSafeUrl(element.url)) window.open(element.url, "_blank", "noopener");
  await slot.act({ type: "button", text: element.text, value: element.value }, control);
}

function renderOverflow(element, slot) {
  const choose = async (option) => {
    closePopover(true);
    if (option.url && isSafeUrl(option.url)) window.open(option.url, "_blank", "noopener");
    if (await confirm(element.confirm)) await slot.act({ type: "overflow", selected_option: option }, control);
  };
  const build = () => {
    const list = new Listbox({ label: "More actions", onChoose: choose });
    list.show(element.options.map((option) => ({ value: option, content: renderText(option.text) })));
    list.node.tabIndex = 0;
    list.node.setAttribute("data-autofocus", "");
    list.node.addEventListener("keydown", (event) => list.handleKey(event));
    return list.node;
  };
  const control = button(
    {
      class: "button button--icon",
      label: "More actions",
      "aria-haspopup": "listbox",
      data: { action: element.action_id },
      on: { click: () => togglePopover(control, build, { align: "end", label: "More actions" }) },
    },
    icon("more"),
  );
  return control;
}

/** Checkboxes and radio buttons: the state is the chosen options. */
function renderChoices(element, slot) {
  const many = element.type === "checkboxes";
  const field = many ? "selected_options" : "selected_option";
  const initial = (many ? element.initial_options : element.initial_option) ?? (many ? [] : null);
  const state = slot.form.open(slot.blockId, element.action_id, { type: element.type, [field]: initial });
  const chosen = new Set([state[field] ?? []].flat().map((option) => option.value));
  const name = `${slot.blockId}/${element.action_id}/${Math.random()}`;
  const group = el("div", { class: "choices", role: many ? "group" : "radiogroup", "aria-label": slot.label });
  const change = async () => {
    const inputs = [...group.querySelectorAll("input")];
    const options = element.options.filter((_, index) => inputs[index].checked);
    const next = { type: element.type, [field]: many ? options : options[0] ?? null };
    if (slot.act && !(await confirm(element.confirm))) return restore();
    slot.form.set(slot.blockId, element.action_id, next);
    slot.changed();
    await slot.act?.(next, group);
  };
  const restore = () => group.replaceWith(renderChoices(element, slot));
  group.append(...element.options.map((option) => renderChoice(option, { many, name, chosen, change })));
  return group;
}

function renderChoice(option, { many, name, chosen, change }) {
  const type = many ? "checkbox" : "radio";
  const checked = chosen.has(option.value);
  return el(
    "label",
    { class: "choice" },
    el("input", { type, name, checked, "aria-label": plainString(option.text), on: { change } }),
    el(
      "span",
      { class: "choice__text" },
      el("span", {}, renderText(option.text)),
      option.description ? el("span", { class: "choice__description" }, renderText(option.description)) : null,
    ),
  );
}

const RENDERERS = {
  button: renderButton,
  workflow_button: renderButton,
  overflow: renderOverflow,
  checkboxes: renderChoices,
  radio_buttons: renderChoices,
  image: (element) => renderImage(element, "element-image"),
  datepicker: renderDatePicker,
  timepicker: renderTimePicker,
  datetimepicker: renderDateTimePicker,
  plain_text_input: renderTextInput,
  number_input: renderTextInput,
  email_text_input: renderTextInput,
  url_text_input: renderTextInput,
  ...Object.fromEntries(SELECT_TYPES.map((type) => [type, renderSelect])),
};
