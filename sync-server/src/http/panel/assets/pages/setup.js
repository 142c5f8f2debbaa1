// First steps: a site, a door, its camera, the first person. Where one is, is seen from what there is; so it can be left and
// taken up again.

import "../core/shell.js";
import { post } from "../core/api.js";
import { button, find, h } from "../core/dom.js";
import { claimContent, untilActive } from "../core/devices.js";
import { formOf } from "../core/form.js";
import { shown } from "../core/list.js";
import { forget, places } from "../core/places.js";
import { newPersonFields, personBody } from "../core/persons.js";
import { failed } from "../core/toast.js";

const STEPS = ["Site", "Door", "Camera", "First person"];
const place = find("#step");
const waiting = new AbortController();
addEventListener("pagehide", () => waiting.abort());

function mark(at) {
  find("#steps").replaceChildren(
    ...STEPS.map((words, step) =>
      h("li", { class: step < at ? "done" : "", ...(step === at ? { "aria-current": "step" } : {}) }, words),
    ),
  );
  find("h2", place).tabIndex = -1;
}

async function next() {
  forget();
  await shown(place, places, (names) => {
    const at = !names.sites.length
      ? 0
      : !names.doors.length
        ? 1
        : !names.devices.some((device) => device.state === "active")
          ? 2
          : 3;
    setTimeout(() => mark(at));
    return [site, door, device, person][at](names);
  });
}

function site() {
  return [
    h("h2", {}, "Which site?"),
    h("p", {}, "A building, or whatever has doors."),
    formOf([{ name: "name", label: "Name of the site", required: true, max: 100 }], "Go on", async (values) => {
      await post("/api/v1/sites", values);
      next();
    }),
  ];
}

function door(names) {
  return [
    h("h2", {}, "Which door?"),
    h("p", {}, `A place at ${names.sites[0].name} that people pass.`),
    formOf([{ name: "name", label: "Name of the door", required: true, max: 100 }], "Go on", async (values) => {
      await post("/api/v1/doors", { site: names.sites[0].id, name: values.name });
      next();
    }),
  ];
}

function device(names) {
  const pending = names.devices.find((device) => device.state === "pending");
  const later = button("Do it later", () => {
    place.replaceChildren(...person());
    mark(3);
  });
  const claimed = (id, claim) => {
    place.replaceChildren(
      h("h2", {}, "Claim the camera"),
      ...claimContent(claim),
      h("p", { role: "status", id: "claim-state", class: "note" }, "Waiting for the camera …"),
      h("div", {}, later),
    );
    untilActive(id, waiting.signal).then((active) => active && next(), failed);
  };
  if (pending) {
    return [
      h("h2", {}, "Claim the camera"),
      h("p", {}, `${pending.name} waits to be claimed. Its code was shown once; make a new one if you do not have it.`),
      h(
        "div",
        { class: "line" },
        button(
          "Make a new code",
          async () => claimed(pending.id, await post(`/api/v1/devices/${pending.id}/claim-code`)),
          { tone: "primary" },
        ),
        later,
      ),
    ];
  }
  return [
    h("h2", {}, "Which camera?"),
    h("p", {}, `The unit that watches ${names.doors[0].name}.`),
    formOf(
      [{ name: "name", label: "Name of the device", required: true, max: 100, value: names.doors[0].name }],
      "Go on",
      async (values) => {
        const added = await post("/api/v1/devices", { name: values.name, door: names.doors[0].id });
        claimed(added.device.id, added);
      },
      { beside: later },
    ),
  ];
}

function person() {
  const form = formOf(
    newPersonFields([]),
    "Go on to the pictures",
    async (values) => {
      const made = await post("/api/v1/persons", personBody(values));
      location.assign(`/enroll?person=${made.id}`);
    },
    { beside: h("a", { class: "button", href: "/" }, "To the live wall") },
  );
  return [h("h2", {}, "Who is the first person?"), form];
}

next();
