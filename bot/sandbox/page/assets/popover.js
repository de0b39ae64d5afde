/** One floating box at a time, hung below or above what it belongs to. */

import { el } from "./dom.js";

const GAP_PX = 6;
const EDGE_PX = 8;
let open = null;

/**
 * Show `content` beside `anchor`; returns the box. A click elsewhere or Escape closes it.
 * Options: class, label, align ("start" or "end"), matchWidth, onClose, focus (what to focus on).
 */
export function openPopover(anchor, content, options = {}) {
  closePopover();
  const { label, align = "start", matchWidth = false, onClose, role = "dialog" } = options;
  const box = el("div", { class: `popover ${options.class ?? ""}`, role, "aria-label": label }, content);
  // Inside a modal dialog, everything outside it is inert: the box must live where its anchor lives.
  (anchor.closest("dialog") ?? document.body).append(box);
  if (matchWidth) box.style.minWidth = `${anchor.getBoundingClientRect().width}px`;
  open = { anchor, box, align, onClose };
  anchor.setAttribute("aria-expanded", "true");
  place();
  (options.focus ?? box.querySelector("[data-autofocus]"))?.focus();
  return box;
}

/** Close the box that is open, if any. `refocus` gives the focus back to its anchor. */
export function closePopover(refocus = false) {
  if (!open) return;
  const { anchor, box, onClose } = open;
  open = null;
  box.remove();
  anchor.setAttribute("aria-expanded", "false");
  if (refocus) anchor.focus();
  onClose?.();
}

/** Whether the open box hangs on `anchor`. */
export function isOpenAt(anchor) {
  return open?.anchor === anchor;
}

/** Open on the first press, close on the second. */
export function togglePopover(anchor, build, options) {
  if (isOpenAt(anchor)) return closePopover(true);
  return openPopover(anchor, build(), options);
}

/** Put the box back in place after its content or its surroundings changed size. */
export function place() {
  if (!open) return;
  if (!open.anchor.isConnected) return closePopover();
  const from = open.anchor.getBoundingClientRect();
  const size = open.box.getBoundingClientRect();
  const left = open.align === "end" ? from.right - size.width : from.left;
  const below = from.bottom + GAP_PX;
  const fitsBelow = below + size.height <= innerHeight - EDGE_PX || from.top < innerHeight - from.bottom;
  const top = fitsBelow ? below : from.top - GAP_PX - size.height;
  open.box.style.left = `${clamp(left, innerWidth - size.width)}px`;
  open.box.style.top = `${clamp(top, innerHeight - size.height)}px`;
}

function clamp(value, most) {
  return Math.max(EDGE_PX, Math.min(value, most - EDGE_PX));
}

document.addEventListener("pointerdown", (event) => {
  if (open && !open.box.contains(event.target) && !open.anchor.contains(event.target)) closePopover();
});
document.addEventListener(
  "keydown",
  (event) => {
    if (event.key !== "Escape" || !open) return;
    event.preventDefault();
    event.stopPropagation();
    closePopover(true);
  },
  true,
);
addEventListener("resize", place);
document.addEventListener("scroll", (event) => open && !open.box.contains(event.target) && place(), true);
