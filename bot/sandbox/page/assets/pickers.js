/** Date, time and date-time pickers. Dates and times are wall-clock values in the person's zone. */

import { epochOf, partsOf } from "./clock.js";
import { confirm } from "./dialogs.js";
import { button, el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { Listbox } from "./listbox.js";
import { renderCalendar } from "./calendar.js";
import { closePopover, openPopover, isOpenAt } from "./popover.js";
import { plainString } from "./text.js";

const STEP_MIN = 30;

/** A date as 2026-02-18. */
export function renderDatePicker(element, slot) {
  const start = { type: "datepicker", selected_date: element.initial_date ?? null };
  const state = slot.form.open(slot.blockId, element.action_id, start);
  const choose = (date) => keep(element, slot, { type: "datepicker", selected_date: date }, control);
  const placeholder = plainString(element.placeholder) || "Choose a date";
  const control = dateControl(state.selected_date, { placeholder, label: slot.label, choose });
  control.dataset.action = element.action_id;
  return control;
}

/** A time as 14:30. */
export function renderTimePicker(element, slot) {
  const start = { type: "timepicker", selected_time: element.initial_time ?? null };
  const state = slot.form.open(slot.blockId, element.action_id, start);
  const choose = (time) => keep(element, slot, { type: "timepicker", selected_time: time }, control);
  const placeholder = plainString(element.placeholder) || "Choose a time";
  const control = timeControl(state.selected_time, { placeholder, label: slot.label, choose });
  control.dataset.action = element.action_id;
  return control;
}

/** A moment in epoch seconds, chosen as a date and a time. */
export function renderDateTimePicker(element, slot) {
  const start = { type: "datetimepicker", selected_date_time: element.initial_date_time ?? null };
  const state = slot.form.open(slot.blockId, element.action_id, start);
  const parts = state.selected_date_time == null ? null : partsOf(state.selected_date_time);
  const chosen = {
    date: parts && `${parts.year}-${parts.month}-${parts.day}`,
    time: parts && `${parts.hour}:${parts.minute}`,
  };
  const choose = (change) => {
    Object.assign(chosen, change);
    if (!chosen.date || !chosen.time) return;
    const moment = { type: "datetimepicker", selected_date_time: epochOf(chosen.date, chosen.time) };
    keep(element, slot, moment, group);
  };
  const name = slot.label ?? "Moment";
  const group = el(
    "span",
    { class: "datetime", role: "group", "aria-label": slot.label, data: { action: element.action_id } },
    dateControl(
      chosen.date,
      { placeholder: "Choose a date", label: `${name}: date`, choose: (date) => choose({ date }) },
    ),
    timeControl(
      chosen.time,
      { placeholder: "Choose a time", label: `${name}: time`, choose: (time) => choose({ time }) },
    ),
  );
  return group;
}

async function keep(element, slot, state, control) {
  if (slot.act && !(await confirm(element.confirm))) return;
  slot.form.set(slot.blockId, element.action_id, state);
  slot.changed();
  await slot.act?.(state, control);
}

function dateControl(initial, { placeholder, label, choose }) {
  let date = initial;
  const draw = () => {
    const text = date ? describeDate(date) : placeholder;
    const className = date ? "select__value" : "select__placeholder";
    fill(control, icon("calendar", 16), el("span", { class: className }, text), icon("down", 16));
    control.setAttribute("aria-label", `${label ?? placeholder}${date ? `: ${text}` : ""}`);
  };
  const chosen = (value) => {
    date = value;
    closePopover(true);
    draw();
    choose(value);
  };
  const control = button({ class: "select select--picker", "aria-haspopup": "dialog" });
  control.addEventListener("click", () => {
    if (isOpenAt(control)) return closePopover(true);
    return openPopover(control, renderCalendar(date, chosen), { class: "calendar-box", label: "Choose a date" });
  });
  draw();
  return control;
}

/** A field to type a time into, with the half hours to choose from. */
function timeControl(initial, { placeholder, label, choose }) {
  let time = initial;
  const input = el("input", { class: "time__input", type: "text", placeholder, "aria-label": label ?? placeholder });
  const list = new Listbox({ label: label ?? placeholder, onChoose: (value) => chosen(value) });
  const draw = () => (input.value = time ? describeTime(time) : "");
  const chosen = (value) => {
    const moved = value !== time;
    time = value;
    closePopover();
    draw();
    if (moved) choose(value);
  };
  const suggest = () => {
    const typed = input.value === (time && describeTime(time)) ? "" : input.value;
    list.show(halfHours(typed).map((value) => ({ value, content: describeTime(value), selected: value === time })));
    const options = { class: "select-menu", matchWidth: true, role: "presentation", focus: input };
    if (!isOpenAt(box)) openPopover(box, list.node, options);
  };
  input.addEventListener("input", suggest);
  input.addEventListener("click", suggest);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && parseTime(input.value)) chosen(parseTime(input.value));
    else if (isOpenAt(box)) list.handleKey(event);
    else if (event.key === "ArrowDown") suggest();
  });
  input.addEventListener("blur", () => (parseTime(input.value) ? chosen(parseTime(input.value)) : draw()));
  const box = el("span", { class: "select select--picker time" }, icon("clock", 16), input, icon("down", 16));
  draw();
  return box;
}

/** 9:05 pm, 21:05 and 2105 all mean 21:05; null where it is no time. */
export function parseTime(text) {
  const match = /^\s*(\d{1,2})(?::?([0-5]\d))?\s*([ap])?\.?m?\.?\s*$/i.exec(text);
  if (!match) return null;
  const half = match[3]?.toLowerCase();
  const hour = half ? (Number(match[1]) % 12) + (half === "p" ? 12 : 0) : Number(match[1]);
  if (hour > 23 || (half && Number(match[1]) > 12)) return null;
  return `${String(hour).padStart(2, "0")}:${match[2] ?? "00"}`;
}

function halfHours(typed) {
  const exact = parseTime(typed);
  const all = Array.from({ length: (24 * 60) / STEP_MIN }, (_, index) => {
    const minutes = index * STEP_MIN;
    return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
  });
  const wanted = typed.trim().toLowerCase();
  const names = (value) => [describeTime(value).toLowerCase(), value];
  const found = all.filter((value) => names(value).some((name) => name.startsWith(wanted)));
  return exact && !found.includes(exact) ? [exact, ...found] : found;
}

function describeTime(time) {
  const [hour, minute] = time.split(":").map(Number);
  return `${hour % 12 || 12}:${String(minute).padStart(2, "0")} ${hour < 12 ? "AM" : "PM"}`;
}

function describeDate(date) {
  const options = { weekday: "short", month: "short", day: "numeric", year: "numeric", timeZone: "UTC" };
  return new Intl.DateTimeFormat("en-US", options).format(new Date(`${date}T00:00:00Z`));
}
