// What several pages do with devices: adding one, its claim code with QR, its state in a line.

import { get, post } from "./api.js";
import { badge, facts, h, icon } from "./dom.js";
import { ask, open } from "./dialog.js";
import { time } from "./time.js";
import { copy, failed } from "./toast.js";
import { state, tone } from "./words.js";

// How a device is, as one word: whether it may work, and whether it does.
export function condition(device) {
  return device.state === "active" ? device.presence.state || "never" : device.state;
}

export function deviceLine(device) {
  const word = condition(device);
  return h(
    "div",
    { class: "device-line" },
    h(
      "span",
      { class: "line" },
      h("span", { class: `dot ${tone(word)}`, "aria-hidden": "true" }),
      h("a", { href: `/devices/${device.id}` }, device.name),
    ),
    h(
      "span",
      { class: "line" },
      device.state === "active" && !device.in_sync && badge("Gallery behind", "look"),
      state(word),
    ),
  );
}

// A new device at a door, with its code; answers the device.
export async function addDevice(doors, door) {
  const fields = [
    {
      name: "name",
      label: "What the device is called",
      required: true,
      max: 100,
      hint: "For example where its camera hangs.",
    },
    ...(door ? [] : [{ name: "door", label: "Door", type: "select", choices: doors, required: true }]),
  ];
  const added = await ask("A new device", fields, "Add", (values) =>
    post("/api/v1/devices", { name: values.name, door: door || values.door }),
  );
  if (added) await showClaim(added.device.name, added);
  return added?.device;
}

// The code and how it is used. It is shown once.
export async function showClaim(name, claim) {
  await open(`Claim ${name}`, (close) =>
    h(
      "div",
      { class: "stack" },
      claimContent(claim),
      h(
        "div",
        { class: "buttons line" },
        h("button", { type: "button", class: "primary", onclick: () => close() }, "Done"),
      ),
    ),
  );
}

export function claimContent(claim) {
  const line = `ostiaryd claim --server https://${location.host} --code ${claim.claim_code} --ca-sha256 ${claim.ca_sha256}`;
  const picture = h("div", { class: "qr" });
  drawn(line).then((image) => picture.replaceWith(image), failed);
  return [
    h("p", {}, "On the device, run this line; or scan it with a phone and paste it there."),
    h(
      "div",
      { class: "secret" },
      h("code", {}, line),
      h("button", { type: "button", onclick: () => copy(line) }, icon("copy"), "Copy"),
    ),
    picture,
    facts([
      ["Code", h("code", { id: "claim-code" }, claim.claim_code)],
      ["Good until", time(claim.claim_expires_at)],
    ]),
    h("p", { class: "hint" }, "The code serves once, and is shown only now."),
  ];
}

// A text as a picture of a QR code.
export async function drawn(text) {
  const blob = await post("/api/v1/qr", { text }, { as: "blob" });
  return h("img", { class: "qr", alt: "QR code of the line above", src: URL.createObjectURL(blob) });
}

// Has the server tell when a device is there.
export async function untilActive(id, signal) {
  while (!signal.aborted) {
    const device = await get(`/api/v1/devices/${id}`);
    if (device.state === "active") return device;
    await new Promise((done) => setTimeout(done, 2000));
  }
  return null;
}
