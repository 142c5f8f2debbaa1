// This computer's camera leads somebody: each frame is answered by what to do next, and good looks from three sides are
// taken by themselves. Nothing is enrolled before all of it is done, or before it is ended by hand.

import { Problem, ask, csrf, post } from "../core/api.js";
import { button, h } from "../core/dom.js";
import { board } from "./board.js";
import { finished } from "./results.js";

const WANTED = { width: { ideal: 1280 }, height: { ideal: 720 }, facingMode: "user" };
// What is sent: enough for a face at arm's length, and small enough for many a second.
const FRAME_WIDTH = 800;
const JPEG_QUALITY = 0.85;
const FRAME_EVERY_MS = 90;
const AFTER_FAILURE_MS = 1200;
const TIME_S = 120;

export function camera(place, person) {
  const video = h("video", { autoplay: true, muted: true, playsinline: true, "aria-label": "What the camera sees" });
  video.muted = true;
  const guide = board(video);
  const start = button("Start the camera", () => begin(), { picture: "camera", tone: "primary" });
  const enough = button("Enroll what was taken", () => finish(), { picture: "check", hidden: true });
  const end = button("Stop", () => stop("Stopped. Nothing was enrolled."), { hidden: true });
  const outcome = h("div", { class: "stack outcome", tabindex: "-1" });
  const canvas = document.createElement("canvas");
  let stream = null;
  let capture = null;
  // Counts beginnings, so that a loop of before knows that it is over.
  let turn = 0;

  place.replaceChildren(guide.element, h("div", { class: "line" }, start, enough, end), outcome);
  guide.say("The camera is off. Start it, and do what is said here: looks are taken by themselves.");
  addEventListener("pagehide", () => stop(""));
  // Another tab of the page was chosen: nobody is to be filmed behind it.
  new MutationObserver(() => {
    if (place.hidden && stream) stop("Stopped, since another way was chosen. Nothing was enrolled.");
  }).observe(place, { attributes: true, attributeFilter: ["hidden"] });

  async function begin() {
    outcome.replaceChildren();
    start.disabled = true;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: WANTED, audio: false });
      video.srcObject = stream;
      await video.play();
      capture = await post(`/api/v1/persons/${person}/captures`, { time_limit_s: TIME_S });
    } catch (error) {
      stop(reason(error));
      return;
    } finally {
      start.disabled = false;
    }
    start.hidden = true;
    end.hidden = false;
    end.focus();
    guide.tell({ hint: capture.hint, wanted: capture.wanted });
    loop((turn += 1));
  }

  async function loop(mine) {
    while (mine === turn) {
      const began = performance.now();
      try {
        const answer = await ask("POST", `/api/v1/captures/${capture.id}/frames`, await frame());
        if (mine !== turn) return;
        heard(answer);
      } catch (error) {
        if (mine !== turn) return;
        if (!(await goesOn(error))) return;
      }
      await pause(Math.max(0, FRAME_EVERY_MS - (performance.now() - began)));
    }
  }

  function heard({ hint, problem, held, measures, taken, capture: now }) {
    capture = now;
    const sides = now.shots.map((shot) => shot.angle);
    enough.hidden = sides.length === 0;
    guide.tell({ hint, problem, held, wanted: now.wanted, taken: sides, quality: measures?.quality });
    if (taken) guide.say(hint, { now: true });
    if (now.state === "open") return;
    if (now.state === "complete") finish();
    else if (now.state === "timed-out" && sides.length) over("The time is over. Enroll what was taken, or begin again.");
    else stop(hint);
  }

  // Whether it is of use to send another frame after a refusal.
  async function goesOn(error) {
    if (!(error instanceof Problem)) throw error;
    if (error.status === 404 || error.kind === "consent-missing") {
      stop(error.status === 404 ? "This capture is over. Begin again." : error.message);
      return false;
    }
    // A frame too many, or one that could not be read, is no trouble; a server that is away is waited for.
    if (error.status !== 409 && error.kind !== "image-unreadable") {
      guide.say(`${error.message} It goes on by itself.`, { now: true });
      await pause(AFTER_FAILURE_MS);
    }
    return true;
  }

  async function finish() {
    const id = capture?.id;
    off();
    guide.say("One moment …", { now: true });
    try {
      const answer = await post(`/api/v1/captures/${id}/finish`, {});
      capture = null;
      guide.say("Done.", { now: true });
      guide.sides(answer.results.filter((result) => result.accepted).map((result) => result.angle), null);
      outcome.replaceChildren(...finished(answer));
      outcome.focus();
    } catch (error) {
      guide.say(error.message, { now: true });
      enough.hidden = false;
    }
    start.textContent = "Begin again";
  }

  // The camera goes off; what was taken waits to be enrolled.
  function over(words) {
    off();
    guide.say(words, { now: true });
    enough.hidden = false;
    enough.focus();
  }

  // The camera goes off, and what was taken is forgotten.
  function stop(words) {
    if (capture) forget(capture.id);
    capture = null;
    off();
    guide.tell({ hint: words });
    guide.say(words, { now: true });
  }

  function off() {
    turn += 1;
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    video.srcObject = null;
    start.hidden = false;
    end.hidden = enough.hidden = true;
  }

  // The picture as it is, not mirrored as it is shown.
  function frame() {
    const scale = Math.min(1, FRAME_WIDTH / video.videoWidth);
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    return new Promise((done) => canvas.toBlob(done, "image/jpeg", JPEG_QUALITY));
  }
}

// Also as the page goes: the browser sends it to the end.
function forget(id) {
  const headers = { "x-csrf-token": csrf(), "content-type": "application/json" };
  fetch(`/api/v1/captures/${id}/cancel`, { method: "POST", headers, credentials: "same-origin", keepalive: true }).catch(
    () => {},
  );
}

function reason(error) {
  if (error instanceof Problem) return error.message;
  if (error.name === "NotAllowedError")
    return "The browser does not let this page use the camera: allow it in the address bar, then start again.";
  if (error.name === "NotReadableError") return "Another program uses the camera: close it, then start again.";
  return "There is no camera this page can use.";
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
