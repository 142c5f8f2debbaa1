// Many photos at once: each with its progress, what became of it, and another try.

import { badge, button, h, icon } from "../core/dom.js";
import { sendPhoto } from "../core/persons.js";
import { percent } from "../core/words.js";

// As many at once as do not crowd out others at the server's desk.
const AT_ONCE = 3;
const MOST_BYTES = 20 * 1024 * 1024;

export function dropping(place, person) {
  const files = h("ul", { class: "files", "aria-label": "Photos" });
  const summary = h("p", { role: "status", class: "quiet" });
  const waiting = [];
  let running = 0;
  const counts = { accepted: 0, refused: 0 };

  const input = h("input", {
    type: "file",
    id: "files",
    multiple: true,
    accept: "image/jpeg,image/png,image/webp",
    class: "unseen",
    onchange: () => {
      take(input.files);
      input.value = "";
    },
  });
  const zone = h(
    "div",
    { class: "drop" },
    icon("face"),
    h("p", {}, "Drop photos here: one face in each, large and clear, from several sides."),
    h("label", { class: "button", for: "files" }, "Choose photos"),
    input,
    h("p", { class: "hint" }, "JPEG, PNG or WebP, at most 20 MB each."),
  );
  for (const kind of ["dragenter", "dragover"])
    zone.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    take(event.dataTransfer.files);
  });
  place.replaceChildren(zone, summary, files);

  function take(list) {
    for (const file of list) waiting.push(entry(file));
    next();
  }

  function entry(file) {
    const state = h("div", { class: "small" });
    const tools = h("div", { class: "line" });
    const picture = h("img", { alt: "" });
    const url = URL.createObjectURL(file);
    picture.addEventListener("load", () => URL.revokeObjectURL(url));
    picture.addEventListener("error", () => URL.revokeObjectURL(url));
    picture.src = url;
    files.append(
      h("li", { class: "file" }, picture, h("div", {}, h("div", { class: "name" }, file.name), state), tools),
    );
    state.textContent = "Waits";
    return { file, state, tools };
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
    item.state.replaceChildren(h("progress", { "aria-label": `Sending ${item.file.name}` }));
    if (item.file.size > MOST_BYTES) {
      refused(item, "The file is larger than 20 MB.", false);
      return;
    }
    try {
      const result = await sendPhoto(person, item.file);
      if (result.accepted) accepted(item, result);
      else refused(item, result.problem.detail, false);
    } catch (error) {
      refused(item, error.message, true);
    }
  }

  function accepted(item, result) {
    counts.accepted += 1;
    const words = result.duplicate
      ? "Was sent before; nothing was added."
      : `Quality ${percent(result.quality?.overall)}`;
    item.state.replaceChildren(
      badge(result.duplicate ? "Again" : "Accepted", "good"),
      ` ${words}`,
      result.warning ? h("p", { class: "form-error" }, result.warning.detail) : "",
    );
  }

  // What the server judged stays so; what did not get through is worth another try.
  function refused(item, words, retries) {
    counts.refused += 1;
    item.state.replaceChildren(badge(retries ? "Not sent" : "Refused", "bad"), ` ${words}`);
    if (retries)
      item.tools.replaceChildren(
        button("Try again", () => {
          counts.refused -= 1;
          waiting.push(item);
          next();
        }),
      );
  }
}
