// A clip of a few seconds: sent, looked through by the server, and of what was found, enrolled what is approved.

import { post } from "../core/api.js";
import { button, h } from "../core/dom.js";
import { upload } from "../core/upload.js";
import { percent } from "../core/words.js";
import { sideWords } from "./board.js";
import { zone } from "./drop.js";
import { finished } from "./results.js";

const MOST_BYTES = 64 * 1024 * 1024;
const KINDS = { mp4: "video/mp4", m4v: "video/mp4", mov: "video/quicktime", webm: "video/webm", avi: "video/x-msvideo" };

export function clip(place, person) {
  const status = h("p", { role: "status", class: "quiet" });
  const bar = h("progress", { max: "1", value: "0", "aria-label": "Sending the clip", hidden: true });
  const found = h("div", { class: "stack outcome", tabindex: "-1" });
  const drop = zone("clip-file", ([file]) => file && send(file), {
    words: "Drop a clip here: three to ten seconds of one person who looks at the camera and then turns to both sides.",
    button: "Choose a clip",
    hint: "MP4, MOV, WebM or AVI, at most 30 seconds and 64 MB. It is not kept.",
    accept: "video/*,.mp4,.mov,.webm,.avi",
    multiple: false,
  });
  place.replaceChildren(drop, bar, status, found);

  async function send(file) {
    found.replaceChildren();
    if (file.size > MOST_BYTES) {
      status.textContent = "The clip is larger than 64 MB: cut it shorter, or save it smaller.";
      return;
    }
    bar.hidden = false;
    bar.value = 0;
    drop.inert = true;
    status.textContent = `Sending ${file.name} …`;
    const onprogress = (share) => {
      bar.value = share;
      if (share === 1) status.textContent = "Looking through it …";
    };
    try {
      const type = KINDS[file.name.split(".").pop().toLowerCase()] || "video/mp4";
      propose(await upload(`/api/v1/persons/${person}/clips`, file, { type, onprogress }));
    } catch (error) {
      status.textContent = `${error.message} Nothing was enrolled.`;
    }
    bar.hidden = true;
    drop.inert = false;
  }

  function propose(capture) {
    const count = capture.shots.length;
    status.textContent = `${count} ${count === 1 ? "look was" : "looks were"} found. Choose which are to be enrolled.`;
    const choices = capture.shots.map((shot) => choice(capture.id, shot));
    const take = button("Enroll these", () => enroll(capture.id), { picture: "check", tone: "primary" });
    const leave = button("Leave them", () => discard(capture.id));
    const list = h("ul", { class: "looks" }, choices);
    list.addEventListener("change", () => {
      take.disabled = chosen().length === 0;
    });
    found.replaceChildren(h("h2", {}, "What was found"), list, h("div", { class: "line" }, take, leave));
    found.focus();
  }

  function choice(capture, shot) {
    const id = `look-${shot.number}`;
    const words = `${sideWords(shot.angle)}, quality ${percent(shot.quality.overall)}`;
    return h(
      "li",
      {},
      h("img", { src: `/api/v1/captures/${capture}/shots/${shot.number}`, alt: `The ${words}`, width: 150, height: 150 }),
      h(
        "label",
        { class: "check", for: id },
        h("input", { type: "checkbox", id, checked: true, data: { number: shot.number } }),
        ` The ${words}`,
      ),
    );
  }

  const chosen = () => [...found.querySelectorAll("input:checked")].map((box) => Number(box.dataset.number));

  async function enroll(capture) {
    try {
      const answer = await post(`/api/v1/captures/${capture}/finish`, { shots: chosen() });
      status.textContent = "Done.";
      found.replaceChildren(...finished(answer));
      found.focus();
    } catch (error) {
      status.textContent = error.message;
    }
  }

  async function discard(capture) {
    await post(`/api/v1/captures/${capture}/cancel`).catch(() => {});
    found.replaceChildren();
    status.textContent = "Nothing was enrolled, and what was found is forgotten.";
  }
}
