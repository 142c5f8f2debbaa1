// Many photos at once: each with how far it is, what became of it and why, and another try.

import { badge, button, h, icon } from "../core/dom.js";
import { upload } from "../core/upload.js";
import { sideWords } from "./board.js";
import { verdict } from "./results.js";

// As many at once as do not crowd out others at the server's desk.
const AT_ONCE = 3;
const MOST_BYTES = 20 * 1024 * 1024;
// What the server would take if it is said that it is this person nevertheless.
const WORTH_INSISTING = ["another-face", "enough-of-angle"];

export function dropping(place, person) {
  const files = h("ul", { class: "files", "aria-label": "Photos" });
  const summary = h("p", { role: "status", class: "quiet" });
  const lacking = h("p", { class: "quiet" });
  const waiting = [];
  let running = 0;
  const counts = { accepted: 0, refused: 0 };
  place.replaceChildren(zone("files", take), summary, lacking, files);

  function take(list) {
    for (const file of list) waiting.push(entry(file));
    next();
  }

  function entry(file) {
    const state = h("div", { class: "small" }, "Waits");
    const tools = h("div", { class: "line" });
    const picture = h("img", { alt: "" });
    const url = URL.createObjectURL(file);
    for (const kind of ["load", "error"]) picture.addEventListener(kind, () => URL.revokeObjectURL(url));
    picture.src = url;
    files.append(
      h("li", { class: "file" }, picture, h("div", {}, h("div", { class: "name" }, file.name), state), tools),
    );
    return { file, state, tools, insist: false };
  }

  function next() {
    while (running < AT_ONCE && waiting.length) {
      running += 1;
      send(waiting.shift()).finally(() => {
        running -= 1;
        next();
      });
    }
    const left = running + waiting.length;
    const done = `${counts.accepted} accepted, ${counts.refused} refused`;
    summary.textContent = left ? `${left} to go; ${done}.` : counts.accepted + counts.refused ? `Done: ${done}.` : "";
  }

  async function send(item) {
    item.tools.replaceChildren();
    if (item.file.size > MOST_BYTES) {
      refused(item, { problem: { detail: "The file is larger than 20 MB: save it smaller." } });
      return;
    }
    const bar = h("progress", { max: "1", value: "0", "aria-label": `Sending ${item.file.name}` });
    item.state.replaceChildren(bar);
    const onprogress = (share) => {
      if (share < 1) bar.value = share;
      else item.state.replaceChildren("Is looked at …");
    };
    try {
      const type = /^image\/(jpeg|png|webp)$/.test(item.file.type) ? item.file.type : "image/jpeg";
      const path = `/api/v1/persons/${person}/photos${item.insist ? "?insist=true" : ""}`;
      const answer = await upload(path, item.file, { type, onprogress });
      covered(answer.coverage);
      const [result] = answer.results;
      counts.accepted += 1;
      item.state.replaceChildren(...nodes(verdict(result)));
    } catch (error) {
      if (error.results) refused(item, error.results[0]);
      else failed(item, error);
    }
  }

  // What the server judged stays so, unless the admin knows better.
  function refused(item, result) {
    counts.refused += 1;
    item.state.replaceChildren(...nodes(verdict({ ...result, accepted: false })));
    const kind = (result.problem?.type || "").replace("urn:ostiary:problem:", "");
    if (WORTH_INSISTING.includes(kind)) again(item, "It is this person: take it", true);
  }

  // What did not get through is worth another try.
  function failed(item, error) {
    counts.refused += 1;
    item.state.replaceChildren(badge("Not sent", "bad"), ` ${error.message}`);
    again(item, "Try again", item.insist);
  }

  function again(item, words, insist) {
    item.tools.replaceChildren(
      button(words, () => {
        counts.refused -= 1;
        item.insist = insist;
        item.tools.replaceChildren();
        waiting.push(item);
        next();
      }),
    );
  }

  function covered(coverage) {
    const missing = coverage?.missing || [];
    lacking.textContent = missing.length ? `Still missing: ${missing.map(sideWords).join(", ")}.` : "All sides are enrolled.";
  }
}

const nodes = (list) => list.filter((node) => node !== "" && node !== null && node !== undefined);

// A place that files are dropped on or chosen at.
export function zone(id, take, { words, button: chooses, hint, accept, multiple = true } = {}) {
  const input = h("input", {
    type: "file",
    id,
    multiple,
    accept: accept || "image/jpeg,image/png,image/webp",
    class: "unseen",
    onchange: () => {
      take([...input.files]);
      input.value = "";
    },
  });
  const place = h(
    "div",
    { class: "drop" },
    icon("face"),
    h("p", {}, words || "Drop photos here: one face in each, large and clear, from several sides."),
    input,
    h("label", { class: "button", for: id }, chooses || "Choose photos"),
    h("p", { class: "hint" }, hint || "JPEG, PNG or WebP, at most 20 MB each."),
  );
  for (const kind of ["dragenter", "dragover"])
    place.addEventListener(kind, (event) => {
      event.preventDefault();
      place.classList.add("over");
    });
  place.addEventListener("dragleave", () => place.classList.remove("over"));
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    place.classList.remove("over");
    take([...event.dataTransfer.files]);
  });
  return place;
}
