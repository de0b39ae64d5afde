/** Times, always in the zone of the person that we are. Times come in as epoch seconds. */

import { state } from "./store.js";

const DAY_S = 86400;
const QUARTER_S = 900; // no zone's midnight falls within a quarter of an hour
const days = new Map();

const formatters = new Map();

/** A formatter in the person's zone, or in the browser's where that zone is unknown here; making one is slow. */
function formatterFor(options) {
  const zone = state.me?.tz;
  const key = JSON.stringify([zone, options]);
  if (!formatters.has(key)) formatters.set(key, makeFormatter(options, zone));
  return formatters.get(key);
}

function makeFormatter(options, timeZone) {
  try {
    return new Intl.DateTimeFormat("en-US", { ...options, timeZone });
  } catch {
    return new Intl.DateTimeFormat("en-US", options);
  }
}

/** Seconds of a message's ts. */
export function secondsOf(ts) {
  return Number.parseFloat(ts);
}

/** Such as 6:39 AM. */
export function formatTime(seconds, withSeconds = false) {
  const second = withSeconds ? "2-digit" : undefined;
  return format(seconds, { hour: "numeric", minute: "2-digit", second });
}

/** The whole moment, for a title. */
export function formatMoment(seconds) {
  const name = format(seconds, { timeZoneName: "short" }).split(", ").pop();
  return `${formatLongDate(seconds)} at ${formatTime(seconds, true)} ${name}`;
}

/** Today, Yesterday, or Tuesday, February 18th. */
export function formatDay(seconds) {
  return relativeDay(seconds) ?? withOrdinal(seconds, { weekday: "long", month: "long" }, yearIfOther(seconds));
}

/** The calendar day in the person's zone, as 2026-02-18. */
export function dayKey(seconds) {
  const key = `${state.me?.tz}/${Math.floor(seconds / QUARTER_S)}`;
  if (!days.has(key)) {
    const parts = partsOf(seconds);
    days.set(key, `${parts.year}-${parts.month}-${parts.day}`);
  }
  return days.get(key);
}

/** Such as 3 minutes ago, or in 2 hours. */
export function formatAgo(seconds) {
  const distance = seconds - Date.now() / 1000;
  const units = [["day", DAY_S], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [unit, size] = units.find(([, length]) => Math.abs(distance) >= length) ?? units[3];
  return new Intl.RelativeTimeFormat("en-US", { numeric: "auto" }).format(Math.trunc(distance / size), unit);
}

const DATE_TOKENS = {
  date_num: dayKey,
  date: (seconds) => withOrdinal(seconds, { month: "long" }, true),
  date_short: (seconds) => format(seconds, { month: "short", day: "numeric", year: "numeric" }),
  date_long: formatLongDate,
  date_pretty: (seconds) => relativeDay(seconds)?.toLowerCase() ?? DATE_TOKENS.date(seconds),
  date_short_pretty: (seconds) => relativeDay(seconds)?.toLowerCase() ?? DATE_TOKENS.date_short(seconds),
  date_long_pretty: (seconds) => relativeDay(seconds)?.toLowerCase() ?? formatLongDate(seconds),
  time: (seconds) => formatTime(seconds),
  time_secs: (seconds) => formatTime(seconds, true),
  ago: formatAgo,
};

/** Slack's date format, such as "{date_short_pretty} at {time}"; null where a token is unknown. */
export function formatTokens(seconds, pattern) {
  const names = [...pattern.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
  if (!Number.isFinite(seconds) || names.some((name) => !Object.hasOwn(DATE_TOKENS, name))) return null;
  return pattern.replace(/\{(\w+)\}/g, (_, name) => DATE_TOKENS[name](seconds));
}

/** Year, month, day, hour and minute in the person's zone, as zero-padded text. */
export function partsOf(seconds) {
  const options = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" };
  const formatter = formatterFor({ ...options, hourCycle: "h23" });
  return Object.fromEntries(formatter.formatToParts(seconds * 1000).map(({ type, value }) => [type, value]));
}

/** Epoch seconds of a wall-clock time in the person's zone ("2026-02-18", "09:30"). */
export function epochOf(date, time) {
  const asIfUtc = Date.parse(`${date}T${time}:00Z`) / 1000;
  const guess = asIfUtc - offsetAt(asIfUtc);
  return asIfUtc - offsetAt(guess);
}

function offsetAt(seconds) {
  const parts = partsOf(seconds);
  const wall = Date.parse(`${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}:00Z`) / 1000;
  return wall - Math.floor(seconds / 60) * 60;
}

function format(seconds, options) {
  return formatterFor(options).format(seconds * 1000);
}

function formatLongDate(seconds) {
  return withOrdinal(seconds, { weekday: "long", month: "long" }, true);
}

function withOrdinal(seconds, options, withYear) {
  const day = Number(format(seconds, { day: "numeric" }));
  const names = Object.keys(options).map((key) => format(seconds, { [key]: options[key] }));
  const year = withYear ? `, ${format(seconds, { year: "numeric" })}` : "";
  return `${names.join(", ")} ${day}${ordinalSuffix(day)}${year}`;
}

function ordinalSuffix(day) {
  if (day % 100 >= 11 && day % 100 <= 13) return "th";
  return ["th", "st", "nd", "rd"][day % 10] ?? "th";
}

function yearIfOther(seconds) {
  return partsOf(seconds).year !== partsOf(Date.now() / 1000).year;
}

function relativeDay(seconds) {
  const now = Date.now() / 1000;
  const names = { [dayKey(now + DAY_S)]: "Tomorrow", [dayKey(now - DAY_S)]: "Yesterday", [dayKey(now)]: "Today" };
  return names[dayKey(seconds)] ?? null;
}
