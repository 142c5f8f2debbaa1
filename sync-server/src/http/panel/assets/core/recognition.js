// How strict recognition is: fields and words for the installation and for a door.

import { h } from "./dom.js";
import { percent, plain, score } from "./words.js";

// Below that a share is a trend's continuation, not a figure.
const LEAST = 1e-6;
const LIVENESS = [
  ["", "as elsewhere"],
  ["off", "off"],
  ["report", "report what does not look alive"],
  ["block", "name nobody who does not look alive"],
];

export function strictness(of) {
  return [
    ["Threshold", score(of.match_threshold)],
    ["Margin", score(of.match_margin)],
    ["Strangers taken for someone", percentOf(of.target_fpir)],
    ["Liveness", of.liveness && plain(of.liveness)],
  ];
}

export function recognitionFields(of, isInstallation = false) {
  return [
    share(
      "target_fpir",
      "Share of strangers’ visits that may be taken for someone",
      of.target_fpir,
      "For example 0.001: one of a thousand. Threshold and margin follow from it.",
    ),
    ...(isInstallation
      ? [
          share("target_fnir", "Share of known visitors that may stay unknown", of.target_fnir),
          share("lookalike_similarity", "Similarity from which lookalikes are told", of.lookalike_similarity),
        ]
      : [
          share("match_threshold", "Threshold", of.match_threshold, "Instead of the share above."),
          share("match_margin", "Margin to the second person", of.match_margin),
        ]),
    { name: "liveness", label: "Liveness", type: "select", choices: LIVENESS, value: of.liveness || "" },
  ];
}

// Values of the fields as the API takes them: what is empty is left out.
export function recognitionBody(values) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== "" && value !== null));
}

// What follows from it, in the server's own words.
export function outlook(of) {
  const expected =
    of.expected &&
    h(
      "p",
      {},
      `Expected with ${of.persons} ${of.persons === 1 ? "person" : "persons"}: ${percentOf(of.expected.fpir)} of strangers taken for someone, ${percentOf(of.expected.fnir)} of known visitors not known.`,
    );
  return h(
    "div",
    { class: "note" },
    h("p", {}, of.explanation),
    expected,
    of.capacity?.advice && h("p", {}, of.capacity.advice),
  );
}

function share(name, label, value, hint) {
  return { name, label, type: "number", min: 0, step: "any", value: value ?? "", hint };
}

function percentOf(value) {
  if (value === null || value === undefined) return null;
  if (value >= 0.01) return percent(value);
  return value < LEAST ? `under ${100 * LEAST} %` : `${(100 * value).toPrecision(2)} %`;
}
