/** One month at a time, walked with the arrow keys. Dates are 2026-02-18 texts; the arithmetic is in UTC. */

import { dayKey } from "./clock.js";
import { button, el, fill } from "./dom.js";
import { icon } from "./icons.js";

const DAY_MS = 86400000;
const WEEKDAYS = ["Su", "Mo", "Tu", "We", "Th", "Fr", "Sa"];
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };

/** A calendar that opens on `selected` (or today) and reports the day that is chosen. */
export function renderCalendar(selected, onChoose) {
  const today = dayKey(Date.now() / 1000);
  const box = el("div", { class: "calendar" });
  let focused = selected ?? today;
  const show = (date, takeFocus = true) => {
    focused = date;
    fill(box, head(date, turn), grid(date, { selected, today, onChoose }));
    if (takeFocus) box.querySelector("[tabindex='0']").focus();
  };
  const turn = (months) => show(addMonths(focused, months), false);
  box.addEventListener("keydown", (event) => {
    const next = keyTarget(event.key, focused);
    if (!next) return;
    event.preventDefault();
    show(next);
  });
  show(focused, false);
  box.querySelector("[tabindex='0']").setAttribute("data-autofocus", "");
  return box;
}

function head(date, turn) {
  const options = { month: "long", year: "numeric", timeZone: "UTC" };
  const title = new Intl.DateTimeFormat("en-US", options).format(asDate(date));
  return el(
    "div",
    { class: "calendar__head" },
    button({ class: "icon-button", label: "Earlier month", on: { click: () => turn(-1) } }, icon("left")),
    el("strong", { "aria-live": "polite" }, title),
    button({ class: "icon-button", label: "Later month", on: { click: () => turn(1) } }, icon("right")),
  );
}

function grid(date, { selected, today, onChoose }) {
  const names = WEEKDAYS.map((name) => el("span", { class: "calendar__weekday", "aria-hidden": "true" }, name));
  const first = asDate(`${date.slice(0, 8)}01`);
  const gap = Array.from({ length: first.getUTCDay() }, () => el("span"));
  const days = daysOf(first).map((day) => {
    const marks = [day === selected && "is-selected", day === today && "is-today"].filter(Boolean).join(" ");
    return button(
      {
        class: `calendar__day ${marks}`,
        "aria-label": day,
        "aria-pressed": day === selected ? "true" : "false",
        tabindex: day === date ? 0 : -1,
        on: { click: () => onChoose(day) },
      },
      String(Number(day.slice(8))),
    );
  });
  return el("div", { class: "calendar__grid" }, names, gap, days);
}

function daysOf(first) {
  const next = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 1));
  const count = Math.round((next - first) / DAY_MS);
  return Array.from({ length: count }, (_, index) => asText(new Date(first.getTime() + index * DAY_MS)));
}

function keyTarget(key, date) {
  if (key in STEPS) return asText(new Date(asDate(date).getTime() + STEPS[key] * DAY_MS));
  if (key === "PageUp") return addMonths(date, -1);
  if (key === "PageDown") return addMonths(date, 1);
  return null;
}

/** The same day of another month, or that month's last day. */
function addMonths(date, months) {
  const from = asDate(date);
  const last = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + months + 1, 0));
  const day = Math.min(from.getUTCDate(), last.getUTCDate());
  return asText(new Date(Date.UTC(last.getUTCFullYear(), last.getUTCMonth(), day)));
}

function asDate(text) {
  return new Date(`${text}T00:00:00Z`);
}

function asText(date) {
  return date.toISOString().slice(0, 10);
}
