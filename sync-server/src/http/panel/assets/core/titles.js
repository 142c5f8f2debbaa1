// What a conversation is about, in words and as a place to go to.

import { time } from "./time.js";
import { plain } from "./words.js";

export function title(thread, names) {
  if (thread.about === "person") return thread.name || "A person";
  if (thread.about === "door") return `Door ${thread.name || names.door(thread.subject)}`;
  if (thread.about === "unknown") return "An unknown visitor";
  const who = thread.name || (thread.kind ? plain(thread.kind) : "A visit");
  const where = thread.door ? ` at ${names.door(thread.door)}` : "";
  return [`${who}${where}`, thread.happened_at && ", ", time(thread.happened_at)];
}

const PAGES = { event: "visits", person: "people", door: "doors", unknown: "unknowns" };

export const subjectPath = (thread) => `/${PAGES[thread.about]}/${thread.subject}`;
