/** Short notes at the edge of the window that leave by themselves. */

import { button, el } from "./dom.js";
import { icon } from "./icons.js";

const STAY_MS = { info: 5000, success: 6000, error: 9000 };

/** Show a note; `kind` is info, success or error. */
export function toast(text, kind = "info") {
  const host = document.getElementById("toasts");
  const note = el("div", { class: `toast toast--${kind}`, role: kind === "error" ? "alert" : null });
  const dismiss = () => {
    note.remove();
    if (!host.children.length && host.matches(":popover-open")) host.hidePopover();
  };
  note.append(
    icon(kind === "error" ? "warning" : "check"),
    el("span", { class: "toast__text" }, text),
    button({ class: "icon-button", label: "Dismiss", on: { click: dismiss } }, icon("close", 16)),
  );
  host.append(note);
  raise(host);
  setTimeout(dismiss, STAY_MS[kind]);
}

/** Shown again, so that it stands above a dialog that was opened in the meantime. */
function raise(host) {
  if (host.matches(":popover-open")) host.hidePopover();
  host.showPopover();
}
