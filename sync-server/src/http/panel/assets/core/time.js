// Times as people read them: in the viewer's own zone, with the doors' zone on hover where it is another.

import { h } from "./dom.js";

const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
const doors = document.body.dataset.zone || own;
const full = { dateStyle: "medium", timeStyle: "medium" };
const short = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });
const dayOnly = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const here = new Intl.DateTimeFormat(undefined, full);
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

const UNITS = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

// A <time>: `how` is `short`, `clock`, `day`, `date` or `ago`.
export function time(text, how = "short") {
  if (!text) return null;
  const at = new Date(text);
  const ways = {
    short: () => short.format(at),
    clock: () => clock.format(at),
    day: () => day.format(at),
    date: () => dayOnly.format(at),
    ago: () => ago(at),
  };
  return h("time", { datetime: text, title: explained(at) }, ways[how]());
}

// How long ago, or in how long.
export function ago(at) {
  const seconds = (at.getTime() - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) || UNITS[3];
  return relative.format(Math.trunc(seconds / size), unit);
}

// The day an event belongs to, for the viewer.
export function dayOf(text) {
  return new Date(text).toDateString();
}

// What a field of a form says, as the API takes it.
export function fromField(value) {
  return value ? new Date(value).toISOString() : null;
}

// What a field of a form shows of the API's time.
export function toField(text) {
  if (!text) return "";
  const at = new Date(text);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

function explained(at) {
  const mine = `${here.format(at)} (${own}, yours)`;
  if (doors === own) return mine;
  const there = new Intl.DateTimeFormat(undefined, { ...full, timeZone: doors });
  return `${mine}\n${there.format(at)} (${doors}, at the door)`;
}
