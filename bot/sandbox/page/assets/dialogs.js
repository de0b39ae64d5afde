/** Dialogs of the page itself: native <dialog> elements, which keep the focus inside and close on Escape. */

import { button, el } from "./dom.js";
import { icon } from "./icons.js";
import { plainString, renderText } from "./text.js";

/** Show a dialog; the answer is the node, already open. `onClose` hears when it is gone. */
export function openDialog({ title, body, footer = null, wide = false, onClose }) {
  const close = button({ class: "icon-button", label: "Close", on: { click: () => dialog.close() } }, icon("close"));
  const head = el("header", { class: "dialog__head" }, el("h2", { class: "dialog__title" }, title), close);
  const name = typeof title === "string" ? title : title.textContent;
  const dialog = el(
    "dialog",
    { class: wide ? "dialog dialog--wide" : "dialog", "aria-label": name },
    head,
    el("div", { class: "dialog__body" }, body),
    footer && el("footer", { class: "dialog__foot" }, footer),
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    onClose?.();
  });
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector("[data-autofocus]")?.focus();
  return dialog;
}

/** Ask with Slack's confirm object; true if the person goes on. */
export function confirm(object) {
  if (!object) return Promise.resolve(true);
  return new Promise((resolve) => {
    let agreed = false;
    const decide = (answer) => () => {
      agreed = answer;
      dialog.close();
    };
    const style = object.style === "danger" ? "button--danger" : "button--primary";
    const deny = button({ class: "button", on: { click: decide(false) } }, plainString(object.deny) || "Cancel");
    const go = button(
      { class: `button ${style}`, "data-autofocus": true, on: { click: decide(true) } },
      plainString(object.confirm) || "Confirm",
    );
    const dialog = openDialog({
      title: plainString(object.title) || "Are you sure?",
      body: renderText(object.text),
      footer: [deny, go],
      onClose: () => resolve(agreed),
    });
    dialog.classList.add("dialog--confirm");
  });
}
