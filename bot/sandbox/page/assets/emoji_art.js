/** Emoji as nodes. Where the machine has no emoji font, the ones that matter in an incident are drawn instead. */

import { el } from "./dom.js";

/** One emoji, named for those who hear the page. */
export function drawEmoji(character, name) {
  const label = `:${name}:`;
  return el("span", { class: "emoji", role: "img", "aria-label": label, title: label }, character);
}
