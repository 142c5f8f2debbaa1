// What the API's words are called in a sentence, and in which tone.

import { badge } from "./dom.js";

const KINDS = {
  match: ["Known", "good"],
  unknown: ["Unknown", "look"],
  spoof_suspected: ["Possible fraud", "bad"],
  unusable: ["Not usable", ""],
  report: ["Device report", ""],
};

const STATES = {
  online: ["Online", "good"],
  stopped: ["Stopped", "look"],
  lost: ["Lost", "bad"],
  never: ["Never seen", ""],
  pending: ["Waits to be claimed", "look"],
  active: ["Active", "good"],
  revoked: ["Revoked", "bad"],
  replaced: ["Replaced", ""],
  ok: ["Well", "good"],
  degraded: ["Impaired", "look"],
  failed: ["Failed", "bad"],
  unknown: ["Not known", ""],
  waiting: ["Waits for approval", "look"],
  shut_out: ["Shut out", "bad"],
  open: ["Open", "accent"],
  accepted: ["Accepted", "good"],
  expired: ["Expired", ""],
  done: ["Done", "good"],
};

export function plain(word) {
  const text = String(word ?? "").replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function kind(word) {
  const [words, tone] = KINDS[word] || [plain(word), ""];
  return badge(words, tone);
}

export function state(word) {
  const [words, tone] = STATES[word] || [plain(word), ""];
  return badge(words, tone);
}

export function tone(word) {
  return STATES[word]?.[1] || "";
}

export const KIND_CHOICES = Object.entries(KINDS).map(([value, [words]]) => [value, words]);

// Who was seen, in words.
export function who(event) {
  if (event.person) return event.person.name || "Somebody removed since";
  if (event.kind === "report") return plain(event.report?.kind);
  return (KINDS[event.kind] || [plain(event.kind)])[0];
}

// A share from 0 to 1 as a percentage.
export function percent(share) {
  return share === null || share === undefined ? null : `${Math.round(share * 100)}\u00a0%`;
}

// A cosine similarity.
export function score(value) {
  return value === null || value === undefined ? null : value.toFixed(3);
}

export function may(permission) {
  return (document.body.dataset.permissions || "").split(" ").includes(permission);
}
