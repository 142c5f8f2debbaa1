// A job's state in a line.

import { badge, h } from "./dom.js";
import { plain, tone } from "./words.js";

export function progress(job) {
  const part = `${job.done + job.refused + job.dead} of ${job.items}`;
  const left = job.seconds_left ? `, about ${Math.ceil(job.seconds_left / 60)} min left` : "";
  return h(
    "div",
    { class: "stack" },
    h("progress", { value: String(job.progress), max: "1", "aria-label": `${plain(job.kind)}: ${part}` }),
    h("span", { class: "small quiet" }, part + left),
  );
}

export function standing(job) {
  const words = job.state === "ready" && job.began_at ? "At work" : plain(job.state);
  return h(
    "span",
    { class: "line" },
    badge(words, tone(job.state)),
    job.refused ? badge(`${job.refused} refused`, "look") : null,
    job.dead ? badge(`${job.dead} failed`, "bad") : null,
  );
}
