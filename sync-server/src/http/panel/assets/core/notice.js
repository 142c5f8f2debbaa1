// A notification as lists and its own page show it.

import { badge, button, h } from "./dom.js";
import { time } from "./time.js";
import { plain } from "./words.js";

const TONES = {
  spoof_suspected: "bad",
  device_lost: "bad",
  camera_trouble: "bad",
  job_failed: "bad",
  disk: "bad",
  server: "bad",
  unknown: "look",
  absent: "look",
  certificate: "look",
  accuracy: "look",
  device_trouble: "look",
  new_place: "look",
  mention: "accent",
};

// What kinds of things rules may tell of; the words are those of messages.
export const KINDS = [
  ["unknown", "Unknown visitor"],
  ["seen", "Person seen"],
  ["absent", "Person not seen by a time"],
  ["spoof_suspected", "Suspected spoof"],
  ["device_lost", "Device lost"],
  ["device_recovered", "Device back"],
  ["camera_trouble", "Camera sees nothing"],
  ["camera_recovered", "Camera sees again"],
  ["device_trouble", "Device in trouble"],
  ["job_done", "Job done"],
  ["job_failed", "Job failed"],
  ["disk", "Disk running full"],
  ["certificate", "Certificate ends soon"],
  ["accuracy", "Recognition got worse"],
  ["new_place", "Log-in from a new place"],
  ["server", "Server in trouble"],
];

export const kindWords = (what) => KINDS.find(([word]) => word === what)?.[1] || plain(what);

// Where it happened, as far as it is known.
export function whereWords(notice, names) {
  if (notice.door) return names.door(notice.door);
  if (notice.site) return names.site(notice.site);
  return "";
}

// What leads on from it: the conversation, the device, the visit.
export function linkOf(notice) {
  if (notice.thread) return `/conversations/${notice.thread}`;
  if (notice.first_event && notice.count === 1) return `/visits/${notice.first_event}`;
  return `/notifications/${notice.id}`;
}

export function noticeItem(notice, names, read) {
  const where = whereWords(notice, names);
  return h(
    "article",
    { class: `notice ${notice.unread ? "unread" : ""}`, data: { id: notice.id } },
    h(
      "div",
      { class: "stack tight" },
      h(
        "p",
        { class: "line" },
        h("a", { class: "name", href: `/notifications/${notice.id}` }, notice.title),
        notice.count > 1 && badge(`${notice.count} times`, TONES[notice.what]),
        notice.unread && badge("New", "accent"),
      ),
      h(
        "p",
        { class: "small quiet" },
        [where, notice.words, notice.rule_name && `by “${notice.rule_name}”`].filter(Boolean).join(" · "),
      ),
      h("p", { class: "small quiet" }, time(notice.last_at, "ago")),
    ),
    notice.unread && button("Read", () => read(notice), { "aria-label": `Read: ${notice.title}` }),
  );
}
