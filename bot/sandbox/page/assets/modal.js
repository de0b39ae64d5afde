/** Modals: the stack of views that the app has opened for this person. */

import { explain, post, tell } from "./api.js";
import { renderBlocks } from "./blocks.js";
import { button, el, fill, keepFocus } from "./dom.js";
import { whileBusy } from "./elements.js";
import { avatar } from "./avatar.js";
import { Form, isEmpty } from "./form.js";
import { icon } from "./icons.js";
import { closePopover } from "./popover.js";
import { on, state } from "./store.js";
import { plainString, renderPlain } from "./text.js";
import { findFault } from "./textinputs.js";

const stack = []; // { view, form, errors }, the last on top
let dialog = null;
let owner = null; // whose views these are

/** Listen to what the app does with its views. */
export function mountModals() {
  on("view_opened", (view) => {
    stack.length = 0;
    push(view);
  });
  on("view_pushed", push);
  on("view_updated", update);
  on("view_closed", (view) => drop(view.id));
  on("boot", () => {
    // The page boots again when its line was lost: what the same person has typed must stay.
    if (owner !== state.me.id) stack.length = 0;
    owner = state.me.id;
    draw();
  });
}

function push(view) {
  if (stack.some((layer) => layer.view.id === view.id)) return update(view);
  stack.push({ view, form: new Form(), errors: {} });
  closePopover();
  return draw({ focus: true });
}

function update(view) {
  const layer = stack.find((known) => known.view.id === view.id);
  if (!layer) return;
  Object.assign(layer, { view, errors: {}, trouble: null });
  layer.form.keepOnly(view.blocks);
  draw();
}

function drop(id) {
  const index = stack.findIndex((layer) => layer.view.id === id);
  if (index < 0) return;
  stack.splice(index, 1);
  draw({ focus: true });
}

function draw({ focus = false } = {}) {
  const top = stack.at(-1);
  if (!top) return dialog?.close();
  if (!dialog) openEmpty();
  dialog.setAttribute("aria-label", plainString(top.view.title));
  keepFocus(dialog, () => fill(dialog, renderView(top)));
  if (focus) focusFirst();
}

function openEmpty() {
  dialog = el("dialog", { class: "dialog modal", on: { cancel: (event) => (event.preventDefault(), closeAll()) } });
  dialog.addEventListener("close", (event) => {
    event.target.remove();
    dialog = null;
  });
  document.body.append(dialog);
  dialog.showModal();
}

function focusFirst() {
  const marked = dialog.querySelector("[data-autofocus]");
  const first = dialog.querySelector(".block--input :is(input, textarea, button):not([disabled])");
  (marked ?? first ?? dialog.querySelector(".modal__foot button"))?.focus({ preventScroll: true });
}

function renderView(layer) {
  const { view } = layer;
  const submit = view.submit && el(
    "button",
    { class: "button button--primary", type: "submit" },
    renderPlain(view.submit.text),
  );
  const hasInputs = view.blocks.some((block) => block.type === "input");
  const close = button(
    { class: "button", on: { click: closeTop } },
    plainString(view.close) || (hasInputs ? "Cancel" : "Close"),
  );
  const send = (event) => {
    event.preventDefault();
    submitView(layer, submit);
  };
  return el(
    "form",
    { class: "modal__form", novalidate: true, data: { view: view.id }, on: { submit: send } },
    renderHead(view),
    layer.trouble && el("div", { class: "modal__trouble", role: "alert" }, icon("warning", 18), layer.trouble),
    el("div", { class: "modal__body" }, renderBlocks(view.blocks, surfaceOf(layer))),
    el("footer", { class: "modal__foot" }, close, submit),
  );
}

function renderHead(view) {
  const back = button({ class: "icon-button", label: "Back", on: { click: closeTop } }, icon("back"));
  return el(
    "header",
    { class: "modal__head" },
    stack.length > 1 ? back : avatar({ ...state.users.get(state.app.bot_user_id), is_bot: true }, 28),
    el("h2", {}, renderPlain(view.title.text)),
    button({ class: "icon-button", label: "Close", on: { click: closeAll } }, icon("close")),
  );
}

function surfaceOf(layer) {
  const { view, form } = layer;
  const place = { view_id: view.id };
  return {
    form,
    errors: layer.errors,
    changed: (blockId) => clearError(layer, blockId),
    act: (action, control) =>
      whileBusy(control, () => tell("action", { ...place, action, state: { values: form.values() } })),
    options: (block_id, action_id, value) => tell("options", { ...place, block_id, action_id, value }),
  };
}

async function submitView(layer, control) {
  if (!control || control.classList.contains("is-busy")) return;
  const faults = findFaults(layer);
  if (Object.keys(faults).length) return showErrors(layer, faults);
  const body = { view_id: layer.view.id, values: layer.form.values() };
  const answer = await whileBusy(control, () => post("view_submit", body));
  if (answer.errors) return showErrors(layer, answer.errors);
  if (!answer.ok) return showTrouble(layer, explain(answer.error));
  return answer.closed ? drop(layer.view.id) : undefined;
}

function showTrouble(layer, trouble) {
  layer.trouble = trouble;
  draw();
}

/** What Slack's client itself refuses: a required input left empty, or a value of the wrong shape. */
function findFaults(layer) {
  const faults = {};
  for (const block of layer.view.blocks.filter((one) => one.type === "input")) {
    const [held] = layer.form.statesOf(block.block_id);
    const empty = !held || isEmpty(held);
    const fault = empty ? !block.optional && "Please fill this in." : findFault(block.element, held);
    if (fault) faults[block.block_id] = fault;
  }
  return faults;
}

function showErrors(layer, errors) {
  Object.assign(layer, { errors, trouble: null });
  draw();
  const [first] = Object.keys(errors);
  const block = dialog?.querySelector(`[data-block="${CSS.escape(first)}"]`);
  block?.scrollIntoView({ block: "center" });
  block?.querySelector("input, textarea, button")?.focus({ preventScroll: true });
}

function clearError(layer, blockId) {
  if (!layer.errors[blockId]) return;
  delete layer.errors[blockId];
  const block = dialog?.querySelector(`[data-block="${CSS.escape(blockId)}"]`);
  block?.classList.remove("has-error");
  block?.querySelector(".input-error")?.replaceChildren();
}

function closeTop() {
  const layer = stack.at(-1);
  if (!layer) return;
  tellClosed(layer);
  if (layer.view.clear_on_close) stack.length = 0;
  else stack.pop();
  draw({ focus: true });
}

function closeAll() {
  for (const layer of stack.toReversed()) tellClosed(layer);
  stack.length = 0;
  draw();
}

/** A view may be closed already, by the app or with the one above it. */
function tellClosed(layer) {
  tell("view_close", { view_id: layer.view.id }, ["view_not_found"]);
}
