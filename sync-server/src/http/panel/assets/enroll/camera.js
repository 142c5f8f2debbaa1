// Pictures by this computer's camera, in steps: frontal, from the left, from the right. Each is judged by the server as any
// photo is; the person sees in the oval where the face belongs.

import { button, h, s } from "../core/dom.js";
import { sendPhoto } from "../core/persons.js";
import { percent } from "../core/words.js";

const STEPS = [
  ["Frontal", "Look straight into the camera, the face within the oval."],
  ["Left", "Turn your head a little to your left, until one ear is out of sight."],
  ["Right", "Turn your head a little to your right, until one ear is out of sight."],
];
const COUNT_S = 3;
const JPEG_QUALITY = 0.92;
const WANTED = { width: { ideal: 1280 }, height: { ideal: 960 }, facingMode: "user" };

export function camera(place, person) {
  const video = h("video", { autoplay: true, muted: true, playsinline: true, "aria-label": "What the camera sees" });
  video.muted = true;
  const prompt = h("p", { class: "prompt", role: "status", "aria-live": "assertive" });
  const steps = h(
    "ol",
    { class: "steps", "aria-label": "Steps" },
    STEPS.map(([words]) => h("li", {}, words)),
  );
  const oval = s(
    "svg",
    { viewBox: "0 0 400 300", "aria-hidden": "true" },
    s("path", { class: "veil", "fill-rule": "evenodd", d: "M0 0H400V300H0ZM200 38a76 100 0 1 0 .1 0Z" }),
    s("ellipse", { class: "oval", cx: 200, cy: 138, rx: 76, ry: 100 }),
  );
  const start = button("Start the camera", () => begin(), { picture: "camera", tone: "primary" });
  const shoot = button("Take the picture", () => countdown(), { picture: "camera", tone: "primary", hidden: true });
  const skip = button("Skip this side", () => go(step + 1), { hidden: true });
  let step = 0;
  let stream = null;

  place.replaceChildren(
    h("div", { class: "booth" }, video, oval, prompt),
    steps,
    h("div", { class: "line" }, start, shoot, skip),
  );
  prompt.textContent = "The camera is off. Nothing is sent until a picture is taken.";
  addEventListener("pagehide", stop);
  // Another tab of the page was chosen: nobody is to be filmed behind it.
  new MutationObserver(() => {
    if (place.hidden) stop();
  }).observe(place, { attributes: true, attributeFilter: ["hidden"] });

  async function begin() {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: WANTED, audio: false });
    } catch (error) {
      prompt.textContent =
        error.name === "NotAllowedError"
          ? "The browser does not let this page use the camera: allow it in the address bar, then start again."
          : "There is no camera this page can use.";
      return;
    }
    video.srcObject = stream;
    await video.play();
    start.hidden = true;
    go(0);
    shoot.focus();
  }

  function stop() {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    video.srcObject = null;
    start.hidden = false;
    shoot.hidden = skip.hidden = true;
  }

  function go(to) {
    step = to;
    [...steps.children].forEach((item, at) => {
      if (at === step) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
    if (step >= STEPS.length) {
      stop();
      start.hidden = true;
      prompt.textContent = "Done. The doors learn the face within a moment.";
      return;
    }
    shoot.hidden = skip.hidden = false;
    prompt.textContent = STEPS[step][1];
  }

  async function countdown() {
    shoot.disabled = skip.disabled = true;
    for (let left = COUNT_S; left > 0; left -= 1) {
      prompt.textContent = `${left} …`;
      await new Promise((done) => setTimeout(done, 1000));
    }
    prompt.textContent = "One moment …";
    try {
      judged(await sendPhoto(person, await frame()));
    } catch (error) {
      prompt.textContent = error.message;
    }
    shoot.disabled = skip.disabled = false;
  }

  function judged(result) {
    if (!result.accepted) {
      prompt.textContent = `${result.problem.detail} Try again.`;
      return;
    }
    steps.children[step].classList.add("done");
    const words = `Good: quality ${percent(result.quality?.overall)}. `;
    go(step + 1);
    prompt.textContent = words + prompt.textContent;
  }

  // The picture as it is, not mirrored as it is shown.
  function frame() {
    const canvas = Object.assign(document.createElement("canvas"), {
      width: video.videoWidth,
      height: video.videoHeight,
    });
    canvas.getContext("2d").drawImage(video, 0, 0);
    return new Promise((done) => canvas.toBlob(done, "image/jpeg", JPEG_QUALITY));
  }
}
