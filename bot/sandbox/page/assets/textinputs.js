/** Text, number, e-mail and URL inputs. */

import { el, fill } from "./dom.js";
import { isEmpty } from "./form.js";
import { plainString } from "./text.js";

const KINDS = {
  plain_text_input: { type: "text" },
  number_input: { type: "text", inputmode: "decimal" },
  email_text_input: { type: "email", autocomplete: "off" },
  url_text_input: { type: "url", placeholder: "https://" },
};
const NEARLY_FULL = 0.9;

/** One input; what is typed goes into the form at every key. */
export function renderTextInput(element, slot) {
  const state = slot.form.open(slot.blockId, element.action_id, startOf(element));
  const tag = element.multiline ? "textarea" : "input";
  const control = el(tag, {
    class: "input",
    ...(element.multiline ? { rows: 4 } : KINDS[element.type]),
    placeholder: plainString(element.placeholder) || KINDS[element.type].placeholder,
    value: state.value ?? "",
    maxlength: element.max_length,
    "data-autofocus": element.focus_on_load,
    "aria-label": slot.label,
    dir: "auto",
    data: { action: element.action_id, focus: `${slot.blockId}/${element.action_id}` },
  });
  const counter = el("span", { class: "input-count", "aria-live": "polite" });
  const read = () => ({ type: element.type, value: control.value || null });
  control.addEventListener("input", () => {
    slot.form.set(slot.blockId, element.action_id, read());
    fill(counter, countdown(control.value.length, element.max_length));
    slot.changed();
  });
  listenForDispatch(control, element, () => slot.act?.(read(), control));
  return el("div", { class: "input-box" }, control, counter);
}

/** What is wrong with a text-like input's value, before it is sent; null if nothing. */
export function findFault(element, state) {
  if (isEmpty(state)) return null;
  const check = FAULTS[element.type];
  return check ? check(element, state.value) : null;
}

const FAULTS = {
  plain_text_input: (element, value) =>
    element.min_length && value.length < element.min_length
      ? `This must be at least ${element.min_length} characters long.`
      : null,
  number_input: numberFault,
  email_text_input: (_, value) =>
    /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value) ? null : "This is not an e-mail address.",
  url_text_input: (_, value) =>
    URL.canParse(value) ? null : "This is not a web address, such as https://example.org.",
};

function numberFault(element, value) {
  const shape = element.is_decimal_allowed ? /^-?\d+(\.\d+)?$/ : /^-?\d+$/;
  if (!shape.test(value)) return element.is_decimal_allowed ? "This is not a number." : "This is not a whole number.";
  if (element.min_value != null && Number(value) < Number(element.min_value)) {
    return `This must be ${element.min_value} or more.`;
  }
  if (element.max_value != null && Number(value) > Number(element.max_value)) {
    return `This must be ${element.max_value} or less.`;
  }
  return null;
}

function startOf(element) {
  return { type: element.type, value: element.initial_value ?? null };
}

function countdown(length, most) {
  return most && length > most * NEARLY_FULL ? `${most - length} left` : null;
}

function listenForDispatch(control, element, act) {
  const triggers = element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  if (triggers.includes("on_character_entered")) control.addEventListener("input", act);
  if (!triggers.includes("on_enter_pressed") || element.multiline) return;
  control.addEventListener("keydown", (event) => event.key === "Enter" && !event.isComposing && act());
}
