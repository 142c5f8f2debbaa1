// How often recognition is right: visits to judge, by keyboard, and what follows from the verdicts.

import "../core/shell.js";
import { get, query } from "../core/api.js";
import { find, h, s, table } from "../core/dom.js";
import { empty, shown } from "../core/list.js";
import { tabs } from "../core/page.js";
import { places } from "../core/places.js";
import { time } from "../core/time.js";
import { failed, toast } from "../core/toast.js";
import { byKeyboard, saidWords, verdictButtons } from "../core/verdict.js";
import { crop, judged } from "../core/visits.js";
import { kind, may, percent, who } from "../core/words.js";

const place = find("#judge");
const BY = [
  ["door", "Door"],
  ["person", "Person"],
  ["pack", "Model pack"],
  ["month", "Month"],
];
let queue = [];

async function next() {
  if (!queue.length) {
    await shown(
      place,
      () => get("/api/v1/accuracy/to-judge?limit=20"),
      ({ items }) => {
        queue = items;
        return items.length ? [] : empty("There is nothing to judge: every recent visit was judged.");
      },
    );
    if (!queue.length) return;
  }
  const event = queue[0];
  const names = await places();
  place.replaceChildren(
    h(
      "article",
      { class: "panel" },
      h(
        "div",
        { class: "split" },
        crop(event, "large"),
        h(
          "div",
          { class: "stack" },
          h("h2", { tabindex: "-1", id: "judged" }, who(event)),
          h("p", { class: "line" }, kind(event.kind), names.door(event.door), time(event.at)),
          judged(event),
          verdictButtons(event, (said) => {
            toast(`Noted: ${saidWords(said)}.`);
            queue.shift();
            next().catch(failed);
          }),
          h("p", { class: "hint" }, "By keyboard: the letter in brackets. “p” passes it over."),
          h("a", { href: `/visits/${event.id}` }, "The whole visit"),
        ),
      ),
    ),
  );
  find("#judged").focus();
}

byKeyboard(place);
document.addEventListener("keydown", (event) => {
  const elsewhere = event.ctrlKey || event.metaKey || event.altKey || place.hidden;
  if (elsewhere || event.key !== "p" || event.target.closest("input, select, textarea, dialog") || !queue.length) return;
  queue.shift();
  next().catch(failed);
});

const share = (of) => (of ? `${percent2(of.value)} (${percent2(of.low)} to ${percent2(of.high)})` : "not known");
const percent2 = (value) => (value >= 0.01 ? percent(value) : `${(100 * value).toPrecision(2)} %`);

function figures() {
  const part = find("#figures");
  const by = h(
    "select",
    { id: "by" },
    BY.map(([value, words]) => h("option", { value }, words)),
  );
  const body = h("div", { class: "stack" });
  const load = () =>
    shown(
      body,
      () => Promise.all([get(`/api/v1/accuracy${query({ by: by.value })}`), get("/api/v1/accuracy/curve"), places()]),
      ([found, curve, names]) => {
        const named = (key) =>
          by.value === "door"
            ? names.door(key)
            : by.value === "person"
              ? h("a", { href: `/people/${key}` }, "a person")
              : key;
        const row = (words, { counts, judged: rates }) => [
          words,
          String(counts.judged),
          String(counts.false_matches + counts.misidentified),
          String(counts.missed),
          share(rates.fpir),
          share(rates.fnir),
        ];
        return [
          h("div", { class: "note" }, h("p", {}, found.advice.summary)),
          drawn(curve),
          table(
            "Verdicts",
            [
              BY.find(([value]) => value === by.value)[1],
              "Judged",
              "Named wrongly",
              "Missed",
              "Strangers named",
              "Known not named",
            ],
            [row("All", found.overall), ...found.items.map((item) => row(named(item.key), item))],
          ),
        ];
      },
    );
  by.addEventListener("change", load);
  part.replaceChildren(
    h("div", { class: "filters" }, h("div", { class: "row" }, h("label", { for: "by" }, "By"), by)),
    body,
  );
  load();
}

// The trade between naming strangers and missing known visitors, both on logarithmic scales.
function drawn(curve) {
  if (curve.points.length < 2) return empty("There are too few verdicts of this pack for a curve.");
  const [width, height, edge, least] = [360, 260, 46, 1e-4];
  const at = (value, length) => (length * Math.log10(Math.max(value, least) / least)) / Math.log10(1 / least);
  const x = (point) => edge + at(point.fpir, width - edge - 10);
  const y = (point) => height - edge - at(point.fnir, height - edge - 10);
  const ticks = [1e-4, 1e-3, 1e-2, 0.1, 1].flatMap((tick) => [
    s("text", { x: x({ fpir: tick }) - 12, y: height - edge + 16 }, percent2(tick)),
    s("text", { x: 0, y: y({ fnir: tick }) + 4 }, percent2(tick)),
  ]);
  const words = `Detection error trade-off over ${curve.mated} visits of known persons and ${curve.strangers} of strangers`;
  const line = curve.points.map((point) => `${x(point).toFixed(1)},${y(point).toFixed(1)}`).join(" ");
  return h(
    "figure",
    { class: "panel" },
    s(
      "svg",
      { class: "chart det", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words },
      s("path", { class: "axes", d: `M${edge} 10V${height - edge}H${width - 10}` }),
      s("polyline", { class: "curve", points: line }),
      ticks,
      s("text", { x: edge + 60, y: height - 8 }, "strangers named"),
      s("text", { x: edge + 4, y: 18 }, "known not named"),
    ),
    h("figcaption", { class: "quiet small" }, words, ", pack ", curve.pack),
    h(
      "details",
      {},
      h("summary", {}, "As a table"),
      table(
        "The curve",
        ["Threshold", "Strangers named", "Known not named"],
        curve.points.map((point) => [point.threshold.toFixed(3), percent2(point.fpir), percent2(point.fnir)]),
      ),
    ),
  );
}

find("#tab-judge").hidden = !may("events.judge");
tabs(find("[role=tablist]"), { judge: () => next().catch(failed), figures });
