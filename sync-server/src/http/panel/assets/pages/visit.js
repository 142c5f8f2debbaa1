// One visit: its picture, what was decided, and why.

import "../core/shell.js";
import { get } from "../core/api.js";
import { facts, find, h, s } from "../core/dom.js";
import { idOfPage } from "../core/page.js";
import { shown } from "../core/list.js";
import { places } from "../core/places.js";
import { threadPart } from "../core/thread.js";
import { time } from "../core/time.js";
import { choices, verdictPart } from "../core/verdict.js";
import { crop } from "../core/visits.js";
import { kind, may, percent, plain, score, who } from "../core/words.js";

const LEFT = 10;
const WIDTH = 320;

// Where a similarity stands on the scale from 0 to 1.
const at = (value) => LEFT + WIDTH * Math.min(1, Math.max(0, value));

function bar(y, value, name, words) {
  return [
    s("rect", { class: "bar", x: LEFT, y, width: WIDTH, height: 14, rx: 3 }),
    s("rect", { class: name, x: LEFT, y, width: at(value) - LEFT, height: 14, rx: 3 }),
    s("text", { x: LEFT, y: y - 4 }, `${words} ${score(value)}`),
  ];
}

// How alike the first and the second are, and the thresholds between which it was decided.
function scale(event, first, second) {
  const rows = [];
  if (first !== null) rows.push(...bar(20, first, "value", event.person ? "This person" : "The nearest person"));
  if (second !== null) rows.push(...bar(58, second, "second", "Who came second"));
  const mark =
    event.threshold === null || event.threshold === undefined
      ? []
      : [
          s("line", { class: "mark", x1: at(event.threshold), x2: at(event.threshold), y1: 12, y2: 78 }),
          s("text", { x: Math.min(at(event.threshold) + 4, 250), y: 92 }, `threshold ${score(event.threshold)}`),
        ];
  const words = `Similarity ${score(first) ?? "none"}, threshold ${score(event.threshold) ?? "none"}, second ${score(second) ?? "none"}`;
  return s("svg", { class: "scale", viewBox: "0 0 340 98", role: "img", "aria-label": words }, rows, mark);
}

// Why it was decided so, in sentences.
function why(event, first, second) {
  const sentences = [];
  const margin = event.margin;
  if (event.kind === "match") {
    sentences.push(
      `The face is ${score(first)} alike to this person’s templates; ${score(event.threshold)} is needed.`,
    );
    if (second !== null)
      sentences.push(
        `The next person is ${score(second)} alike: ${score(first - second)} less, where a lead of ${score(margin)} is needed.`,
      );
    else sentences.push("Nobody else came near.");
  }
  if (event.kind === "unknown") {
    if (first === null) sentences.push("The door knows nobody this face could be compared with.");
    else if (first < event.threshold)
      sentences.push(
        `The nearest person is ${score(first)} alike, which is below the ${score(event.threshold)} needed.`,
      );
    else
      sentences.push(
        `The nearest person is ${score(first)} alike, but another is within ${score(margin)}: nobody is named in doubt.`,
      );
  }
  if (event.kind === "unusable")
    sentences.push(`No picture of the visit could be used: ${plain(event.reason).toLowerCase()}.`);
  if (event.kind === "spoof_suspected")
    sentences.push("The face does not look alive: a picture, a screen or a mask may have been held up.");
  if (event.liveness)
    sentences.push(
      `It looked ${percent(event.liveness.score)} alive; below ${percent(event.liveness.threshold)} is suspected (the door’s policy: ${event.liveness.policy}).${event.liveness.cue ? ` What spoke most against it: ${plain(event.liveness.cue).toLowerCase()}.` : ""}`,
    );
  if (event.frames)
    sentences.push(`The face was followed over ${event.frames} pictures, ${event.embeddings} of which were judged.`);
  return sentences.map((sentence) => h("p", {}, sentence));
}

function quality(of) {
  const angle = (degrees) => (degrees === null || degrees === undefined ? null : `${Math.round(degrees)}°`);
  return facts([
    ["All together", percent(of.overall)],
    ["Sharpness", percent(of.sharpness)],
    ["Exposure", percent(of.exposure)],
    ["Frontality", percent(of.pose)],
    ["Free of cover", percent(of.unoccluded)],
    ["Face", `${Math.round(of.face_px)} pixels wide`],
    ["Turned, tilted", [angle(of.yaw_deg), angle(of.pitch_deg)].filter(Boolean).join(", ")],
  ]);
}

function part(title, ...content) {
  return h("section", { class: "panel" }, h("h2", {}, title), content);
}

// Whom the person was mistaken for before, if this face is nearer to that.
function doubt(event) {
  if (event.doubt === null || event.doubt === undefined) return null;
  const words = `This person was mistaken for somebody before, and this face is nearer to that one (${score(event.doubt)}). Look twice.`;
  return h("p", { class: "note look" }, words);
}

function secondOf(event) {
  return event.kind === "match" && event.nearest ? event.nearest.similarity : null;
}

async function view(event) {
  const names = await places();
  document.title = `${who(event)} · ${document.title.split(" · ")[1]}`;
  find("h1").textContent = who(event);
  const first = event.similarity ?? (event.kind === "match" ? null : event.nearest?.similarity) ?? null;
  const second = secondOf(event);
  const link =
    event.person && may("persons.read") ? h("a", { href: `/people/${event.person.id}` }, who(event)) : who(event);
  const near =
    event.nearest && may("persons.read")
      ? h(
          "a",
          { href: `/people/${event.nearest.person}` },
          event.kind === "match" ? "who came second" : "who is nearest",
        )
      : null;
  return [
    h(
      "div",
      { class: "grid" },
      part(
        "Visit",
        crop(event, "large"),
        facts([
          ["Outcome", kind(event.kind)],
          ["Who", link],
          ["Whose it is", event.attributed ? "said by people; the device decided otherwise" : null],
          ["See also", near],
          ["Door", h("a", { href: `/doors/${event.door}` }, names.door(event.door))],
          ["Device", h("a", { href: `/devices/${event.device}` }, names.device(event.device))],
          ["When", time(event.at)],
          ["Unknown visitor", event.unknown && h("a", { href: `/unknowns/${event.unknown}` }, "All visits of this face")],
          ["Report", event.report?.detail],
        ]),
      ),
      choices(event).length > 0 && part("Was it right?", doubt(event), verdictPart(event)),
      event.kind !== "report" &&
        part("Why", why(event, first, second), (first !== null || second !== null) && scale(event, first, second)),
      event.quality && part("Quality", quality(event.quality)),
      part(
        "Details",
        facts([
          ["First seen", time(event.captured_at, "clock")],
          ["Stored", time(event.stored_at)],
          ["Reported late", event.held_back ? "yes" : null],
          ["Clock of the device", event.clock_synced ? "set" : "was not set; the time was placed by the server"],
          ["To decide", event.latency && `${event.latency.first_frame_to_decision_ms} ms`],
          [
            "Decided to sent",
            event.latency?.decision_to_published_ms !== undefined && event.latency?.decision_to_published_ms !== null
              ? `${event.latency.decision_to_published_ms} ms`
              : null,
          ],
          ["Model pack", event.pack],
          ["Gallery revision", event.gallery_rev],
          ["Position", `${event.seq} of stream ${event.stream}`],
          ["Event", h("code", {}, event.id)],
        ]),
      ),
      threadPart("event", event.id),
    ),
  ];
}

shown(find("#visit"), () => get(`/api/v1/events/${idOfPage()}`), view);
