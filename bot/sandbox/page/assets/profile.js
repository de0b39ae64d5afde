/** Who somebody is, and a way to write to them. */

import { avatar } from "./avatar.js";
import { formatTime } from "./clock.js";
import { button, el } from "./dom.js";
import { openDirect } from "./navigation.js";
import { closePopover, togglePopover } from "./popover.js";
import { displayName, state } from "./store.js";

/** Hang a card about `user` on `anchor`. */
export function showProfile(anchor, user) {
  const write = () => {
    closePopover();
    openDirect(user.id);
  };
  const facts = [user.title, user.email, user.tz && `Zone ${user.tz}`].filter(Boolean);
  const card = () =>
    el(
      "div",
      { class: "profile" },
      avatar(user, 72),
      el("strong", { class: "profile__name" }, displayName(user), user.id === state.me.id ? " (you)" : ""),
      facts.map((fact) => el("div", { class: "profile__fact" }, fact)),
      el("div", { class: "profile__fact" }, `It is ${formatTime(Date.now() / 1000)} for you`),
      user.id === state.me.id ? null : button(
        { class: "button", "data-autofocus": true, on: { click: write } },
        "Message",
      ),
    );
  togglePopover(anchor, card, { label: displayName(user) });
}
