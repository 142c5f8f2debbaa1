// A visit as pages show it: its picture, its card, what is said of it.

import { h, icon } from "./dom.js";
import { time } from "./time.js";
import { percent, plain, score, who } from "./words.js";

// The picture of a face, or one in its place.
export function crop(event, size = "") {
  const none = () => h("div", { class: `crop ${size}` }, icon(event.kind === "report" ? "camera" : "face"));
  if (!event.has_crop) return none();
  const picture = h("img", {
    class: `crop ${size}`,
    src: `/api/v1/events/${event.id}/crop`,
    alt: "",
    loading: "lazy",
    decoding: "async",
  });
  picture.addEventListener("error", () => picture.replaceWith(none()));
  return picture;
}

// A card that leads to the visit.
export function card(event, places, { fresh = false, how = "clock" } = {}) {
  return h(
    "a",
    {
      class: `visit-card ${event.kind} ${fresh ? "fresh" : ""}`,
      href: `/visits/${event.id}`,
      data: { id: event.id, cursor: event.cursor },
    },
    crop(event),
    h(
      "div",
      { class: "words" },
      h("span", { class: "name" }, who(event)),
      h("span", { class: "small" }, places.door(event.door)),
      h("span", { class: "small quiet number" }, time(event.at, how), event.held_back && " · reported late"),
      h("span", { class: "small number" }, judged(event)),
    ),
  );
}

// How alike and how good, in a few words.
export function judged(event) {
  const words = [];
  if (event.similarity !== null && event.similarity !== undefined) words.push(`${score(event.similarity)} alike`);
  else if (event.nearest) words.push(`nearest ${score(event.nearest.similarity)}`);
  if (event.reason) words.push(plain(event.reason));
  if (event.quality) words.push(`quality ${percent(event.quality.overall)}`);
  if (event.kind === "report") words.push(event.report?.detail || "");
  return words.length ? h("span", { class: "quiet" }, words.join(" · ")) : null;
}

// A visit in one sentence, for who listens.
export function spoken(event, places) {
  return `${who(event)}, ${places.door(event.door)}`;
}
