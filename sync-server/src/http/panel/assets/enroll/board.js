// What is shown while somebody is led before a camera, this computer's or a door's: what to do next, which sides are
// taken, how long to hold still, how the face is.
//
// The words in the picture change with every frame. Who listens to the page hears them from a region of its own, and not
// before the last ones are said.

import { h, icon, s } from "../core/dom.js";
import { percent } from "../core/words.js";

const SIDES = [
  ["frontal", "Front"],
  ["left", "Your left"],
  ["right", "Your right"],
];
const SAID_EVERY_MS = 2500;

export function board(picture) {
  const prompt = h("p", { class: "prompt" });
  const said = h("p", { class: "unseen", role: "status", "aria-live": "polite" });
  const held = s("ellipse", { class: "held", cx: 200, cy: 138, rx: 76, ry: 100, pathLength: 100, "stroke-dasharray": "0 100" });
  const oval = s(
    "svg",
    { viewBox: "0 0 400 300", "aria-hidden": "true" },
    s("path", { class: "veil", "fill-rule": "evenodd", d: "M0 0H400V300H0ZM200 38a76 100 0 1 0 .1 0Z" }),
    s("ellipse", { class: "oval", cx: 200, cy: 138, rx: 76, ry: 100 }),
    held,
  );
  const marks = new Map(SIDES.map(([side, words]) => [side, h("li", { data: { side } }, words)]));
  const steps = h("ol", { class: "steps", "aria-label": "Sides of the face" }, [...marks.values()]);
  const measured = h("p", { class: "small quiet measured" });
  const booth = h("div", { class: "booth" }, picture, oval, prompt);
  let spoken = "";
  let spokenAt = 0;

  function say(words, { now = false } = {}) {
    prompt.textContent = words;
    const is_time = now || performance.now() - spokenAt > SAID_EVERY_MS;
    if (words === spoken || !is_time) return;
    [spoken, spokenAt] = [words, performance.now()];
    said.textContent = words;
  }

  // How it goes: `taken` are the sides that are done, `wanted` is the next.
  function tell({ hint, held: share = 0, wanted = null, taken = [], quality = null, problem = null }) {
    say(hint);
    held.setAttribute("stroke-dasharray", `${Math.round(100 * share)} 100`);
    booth.dataset.mood = problem ? "look" : share > 0 ? "good" : "";
    sides(taken, wanted);
    measured.textContent = quality ? words(quality) : "";
  }

  function sides(taken, wanted) {
    for (const [side, mark] of marks) {
      const is_done = taken.includes(side);
      if (is_done && !mark.classList.contains("done")) mark.append(icon("check"), h("span", { class: "unseen" }, "taken"));
      if (!is_done && mark.classList.contains("done")) mark.replaceChildren(mark.firstChild);
      mark.classList.toggle("done", is_done);
      if (side === wanted) mark.setAttribute("aria-current", "step");
      else mark.removeAttribute("aria-current");
    }
  }

  return { element: h("div", { class: "stack" }, booth, said, steps, measured), say, tell, sides };
}

function words(quality) {
  const turned = Math.round(quality.yaw_deg ?? 0);
  const side = Math.abs(turned) < 3 ? "straight" : `${Math.abs(turned)}° to the ${turned > 0 ? "left" : "right"}`;
  return (
    `Quality ${percent(quality.overall)}, sharpness ${percent(quality.sharpness)}, light ${percent(quality.exposure)}, ` +
    `face ${Math.round(quality.face_px)} pixels wide, turned ${side}.`
  );
}

// The sides by their names, for sentences.
export const sideWords = (side) =>
  ({ frontal: "front", left: "left side", right: "right side" })[side] || "an unusual side";
