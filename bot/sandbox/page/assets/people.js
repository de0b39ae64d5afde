/** Who am I: the switch between the people of the workspace. */

import { avatar } from "./avatar.js";
import { button, el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { closePopover, togglePopover } from "./popover.js";
import { displayName, on, state } from "./store.js";

/** The button in the top bar; `onSwitch(userId)` hears who to be. */
export function renderPersonButton(onSwitch) {
  const menu = { align: "end", label: "Who am I", class: "people-menu" };
  const control = button({
    class: "topbar__button person-button",
    "aria-haspopup": "menu",
    on: { click: () => togglePopover(control, () => renderMenu(onSwitch), menu) },
  });
  on("boot", () => {
    control.setAttribute("aria-label", `You are ${displayName(state.me)}, ${state.me.title}. Be somebody else`);
    fill(
      control,
      avatar(state.me, 28),
      el(
        "span",
        { class: "person-button__text" },
        el("strong", {}, displayName(state.me)),
        el("small", {}, state.me.title),
      ),
      icon("down", 16),
    );
  });
  return control;
}

function renderMenu(onSwitch) {
  const people = [...state.users.values()].filter((user) => !user.is_bot);
  return el(
    "div",
    { class: "people" },
    el("h2", { class: "people__title" }, "Who am I?"),
    el("p", { class: "muted" }, "Each person sees and may do their own things. Open a second tab to be two at once."),
    people.map((user) => renderPerson(user, onSwitch)),
  );
}

function renderPerson(user, onSwitch) {
  const isMe = user.id === state.me.id;
  const become = () => {
    closePopover();
    if (!isMe) onSwitch(user.id);
  };
  return el(
    "div",
    { class: isMe ? "people__row is-me" : "people__row" },
    button(
      { class: "person-row", "data-autofocus": isMe, "aria-current": isMe ? "true" : null, on: { click: become } },
      avatar(user, 36),
      el("span", {}, el("strong", {}, displayName(user)), el("small", {}, user.title)),
      isMe ? icon("check") : null,
    ),
    el(
      "a",
      {
        class: "icon-button",
        href: `#/${user.id}/${state.channel}`,
        target: "_blank",
        "aria-label": `Open a tab as ${displayName(user)}`,
        title: "Open in another tab",
      },
      icon("window", 16),
    ),
  );
}
