// What became of pictures of a face: each with its verdict, and what the person still lacks.

import { badge, h } from "../core/dom.js";
import { percent } from "../core/words.js";
import { sideWords } from "./board.js";

// One picture's verdict, as nodes.
export function verdict(result) {
  if (!result.accepted) return [badge("Refused", "bad"), ` ${result.problem?.detail || "It was not taken."}`, hints(result)];
  const facts = [`Quality ${percent(result.quality?.overall)}`, result.angle && sideWords(result.angle)];
  const words = result.duplicate
    ? "It tells nothing new: nothing was added."
    : `${facts.filter(Boolean).join(", ")}${result.instead_of?.length ? ", in place of a worse one" : ""}.`;
  return [badge(result.duplicate ? "Known" : "Accepted", "good"), ` ${words}`, hints(result), warning(result.warning)];
}

// What is not as it should be, and what to do about it, each once.
function hints(result) {
  const found = [...new Set((result.components || []).map((one) => one.hint).filter(Boolean))];
  return found.length ? h("ul", { class: "small quiet hints" }, found.map((hint) => h("li", {}, hint))) : "";
}

function warning(other) {
  if (!other) return "";
  return h(
    "p",
    { class: "note look" },
    h(
      "span",
      {},
      h("strong", {}, other.likely_same ? "This may be somebody you have: " : "Looks alike: "),
      h("a", { href: `/people/${other.person}` }, other.name),
      `. ${other.detail}`,
    ),
  );
}

// What is to be said when looks were made templates: of the answer of `finish`.
export function finished(answer) {
  const taken = answer.results.filter((result) => result.accepted).length;
  const all = taken === answer.results.length;
  const heading = all ? "Enrolled" : taken ? "Enrolled in part" : "Nothing was enrolled";
  const items = answer.results.map((result) => h("li", { class: "verdict" }, verdict(result)));
  const lacks = answer.missing || [];
  const words = lacks.length
    ? `Nothing is enrolled yet of: ${lacks.map(sideWords).join(", ")}. Visits from there match less well.`
    : "All three sides are enrolled. The doors learn the face within a moment.";
  return [h("h2", {}, heading), h("ul", { class: "verdicts", "aria-label": "What became of the looks" }, items), h("p", {}, words)];
}
