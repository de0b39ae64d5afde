/** Faces: initials on a colour, or the app's own mark. */

import { el } from "./dom.js";
import { icon } from "./icons.js";

/** A square avatar of `size` pixels; decorative, the name stands beside it. */
export function avatar(user, size = 36) {
  const style = { "--size": `${size}px`, "--face": user?.avatar?.color ?? null };
  const className = user?.is_bot ? "avatar avatar--app" : "avatar";
  const face = user?.is_bot ? icon("anchor", size * 0.66) : user?.avatar?.initials ?? "?";
  if (!style["--face"]) delete style["--face"];
  return el("span", { class: className, "aria-hidden": "true", style }, face);
}
