// Two packs on the same faces: their figures side by side, and their curves.

import { h, s, table } from "./dom.js";
import { empty } from "./list.js";
import { time } from "./time.js";
import { score } from "./words.js";

const [WIDTH, HEIGHT, EDGE, LEAST] = [360, 260, 46, 1e-4];

const percent = (value) => `${value >= 0.1 ? Math.round(100 * value) : Number((100 * value).toPrecision(2))}\u00a0%`;
const share = (of) => (of ? `${percent(of.value)} (${percent(of.low)} to ${percent(of.high)})` : "not known");
const at = (list, wanted) => (list.find(([value]) => Math.abs(value - wanted) < 1e-9) || [])[1];

export function compared(found) {
  const [before, after] = [found.in_force, found.candidate];
  const row = (words, of) => [words, of(before), of(after)];
  const rates = (name, words) =>
    before[name] && after[name]
      ? [
          row(`${words}: strangers named (FPIR)`, (side) => share(side[name].fpir)),
          row(`${words}: known not named (FNIR)`, (side) => share(side[name].fnir)),
          row(`${words}: taken for somebody else`, (side) => `${side[name].wrong_person} of ${side[name].known}`),
        ]
      : [];
  return [
    h(
      "p",
      { class: "quiet" },
      `${after.faces} faces of ${after.persons} persons, `,
      time(found.made_at),
      ". Ends of intervals are at 95 %.",
    ),
    table(
      "Both packs on the same faces",
      ["What", `${before.pack} (in force)`, after.pack],
      [
        ...rates("judged", "Judged visits"),
        ...rates("enrolled", "Enrolled faces"),
        row("Pairs: equal error rate", (side) => share(side.equal_error_rate)),
        row("Pairs: FNMR at FMR 0.1 %", (side) => share(at(side.fnmr_at_fmr, 0.001))),
        row("Threshold and margin", (side) => `${score(side.threshold)}, ${score(side.margin)}`),
        row(
          "Threshold for one stranger in a hundred",
          (side) => score(at(side.threshold_for_fpir, 0.01)) || "not known",
        ),
        row("A face takes", (side) => (side.embed_ms ? `${side.embed_ms.toFixed(0)}\u00a0ms` : "not measured")),
      ],
    ),
    before.judged && after.judged
      ? null
      : h(
          "p",
          { class: "hint" },
          "No judged visit has a picture left: judge some under Accuracy for figures of your doors.",
        ),
    curves(before, after),
  ];
}

// The trade between both errors, on logarithmic scales; of judged visits where there are some.
function curves(before, after) {
  const of = (side) => (side.judged && before.judged && after.judged ? side.judged : side.enrolled).det;
  if (of(before).length < 2 || of(after).length < 2) return empty("There are too few faces for curves.");
  const along = (value, length) => (length * Math.log10(Math.max(value, LEAST) / LEAST)) / Math.log10(1 / LEAST);
  const x = (point) => EDGE + along(point.fpir, WIDTH - EDGE - 10);
  const y = (point) => HEIGHT - EDGE - along(point.fnir, HEIGHT - EDGE - 10);
  const line = (points) => points.map((point) => `${x(point).toFixed(1)},${y(point).toFixed(1)}`).join(" ");
  const ticks = [1e-4, 1e-3, 1e-2, 0.1, 1].flatMap((tick) => [
    s("text", { x: x({ fpir: tick }) - 12, y: HEIGHT - EDGE + 16 }, percent(tick)),
    s("text", { x: 0, y: y({ fnir: tick }) + 4 }, percent(tick)),
  ]);
  const words = `Detection error trade-off: ${before.pack} (dashed) and ${after.pack}`;
  return h(
    "figure",
    {},
    s(
      "svg",
      { class: "chart det", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words },
      s("path", { class: "axes", d: `M${EDGE} 10V${HEIGHT - EDGE}H${WIDTH - 10}` }),
      s("polyline", { class: "curve before", points: line(of(before)) }),
      s("polyline", { class: "curve", points: line(of(after)) }),
      ticks,
      s("text", { x: EDGE + 60, y: HEIGHT - 8 }, "strangers named"),
      s("text", { x: EDGE + 4, y: 18 }, "known not named"),
    ),
    h("figcaption", { class: "quiet small" }, words),
    h(
      "details",
      {},
      h("summary", {}, "As tables"),
      [before, after].map((side) =>
        table(
          `The curve of ${side.pack}`,
          ["Threshold", "Strangers named", "Known not named"],
          of(side).map((point) => [score(point.threshold), percent(point.fpir), percent(point.fnir)]),
        ),
      ),
    ),
  );
}
