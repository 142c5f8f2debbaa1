// At a door: its camera leads the person who stands there; here it is shown how it goes.

import { get, post } from "../core/api.js";
import { button, h, icon } from "../core/dom.js";
import { condition } from "../core/devices.js";
import { empty, shown } from "../core/list.js";
import { places } from "../core/places.js";
import { board } from "./board.js";

const LOOK_EVERY_MS = 500;
const OPEN = ["sent", "running"];
const TIMES_S = [30, 60, 120, 180];
const REASONS = {
  "another-face": "Somebody else came before the camera. Begin again, one person only.",
  "spoof-suspected": "It did not look like a living face.",
  "timed-out": "The time was over before the front was seen.",
  "quality-too-low": "No look was good enough: more light, nearer, without glasses that mirror.",
  "consent-missing": "The person has not consented any more.",
  "no-answer": "The camera did not answer.",
  refused: "The camera refused: it is busy, or does not run a camera now.",
  cancelled: "It was stopped.",
};

export async function atDoor(place, person) {
  await shown(place, places, (known) => {
    const cameras = known.devices.filter((device) => device.state === "active");
    if (!cameras.length) return [empty("There is no camera at a door yet.", h("a", { href: "/doors" }, "To the doors"))];
    return form(known, cameras, person);
  });
}

function form(known, cameras, person) {
  const online = cameras.filter((device) => condition(device) === "online");
  const name = (device) => `${known.door(device.door)}: ${device.name}`;
  const option = (device) => {
    const is_online = online.includes(device);
    return h("option", { value: device.id, disabled: !is_online }, name(device) + (is_online ? "" : " (not connected)"));
  };
  const camera = h("select", { id: "door-camera" }, cameras.map(option));
  camera.value = online[0]?.id ?? "";
  const time = h("select", { id: "door-time" }, TIMES_S.map((s) => h("option", { value: s }, `${s} seconds`)));
  time.value = "60";
  const picture = h("div", { class: "standing-in" }, icon("door"));
  const guide = board(picture);
  const start = button("Begin at this door", () => begin(), {
    picture: "door",
    tone: "primary",
    disabled: !online.length,
  });
  const end = button("Stop", () => stop(), { hidden: true });
  let turn = 0;
  let asked = null;
  guide.say(
    online.length
      ? "The person stands before the door’s camera. Nobody is matched at that door meanwhile."
      : "No camera is connected now.",
  );
  addEventListener("pagehide", () => (turn += 1));

  async function begin() {
    start.disabled = true;
    try {
      const body = { person, time_limit_s: Number(time.value) };
      asked = await post(`/api/v1/devices/${camera.value}/enrollments`, body);
      start.hidden = true;
      end.hidden = false;
      end.focus();
      guide.tell({ hint: "Waiting for the camera …" });
      watch((turn += 1));
    } catch (error) {
      guide.say(error.message, { now: true });
    }
    start.disabled = false;
  }

  async function watch(mine) {
    while (mine === turn) {
      try {
        heard(await get(`/api/v1/enrollments/${asked.id}`));
      } catch (error) {
        guide.say(`${error.message} The camera goes on by itself.`, { now: true });
      }
      await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
    }
  }

  function heard(now) {
    if (OPEN.includes(now.state)) {
      if (now.progress) guide.tell(now.progress);
      return;
    }
    turn += 1;
    start.hidden = false;
    end.hidden = true;
    guide.tell({ hint: "", taken: now.state === "done" ? now.progress?.taken || [] : [] });
    guide.say(ending(now), { now: true });
    start.focus();
  }

  async function stop() {
    end.disabled = true;
    try {
      await post(`/api/v1/enrollments/${asked.id}/cancel`);
    } catch (error) {
      guide.say(error.message, { now: true });
    }
    end.disabled = false;
  }

  return [
    h(
      "div",
      { class: "line" },
      h("div", { class: "row" }, h("label", { for: "door-camera" }, "Camera"), camera),
      h("div", { class: "row" }, h("label", { for: "door-time" }, "Time"), time),
    ),
    guide.element,
    h("div", { class: "line" }, start, end),
  ];
}

function ending(now) {
  const looks = now.templates === 1 ? "One look was" : `${now.templates} looks were`;
  if (now.state === "done") return `Done: ${looks} enrolled. The doors learn the face within a moment.`;
  if (now.state === "cancelled") return "Stopped. Nothing was enrolled.";
  if (now.state === "expired")
    return "The camera does not answer. What it takes meanwhile is enrolled when it is back; try again, or enroll here.";
  return REASONS[now.reason] || "It did not work. Try again.";
}
