// Sites, their doors, and how the devices at them are.

import "../core/shell.js";
import { patch, post, remove } from "../core/api.js";
import { badge, button, find, h } from "../core/dom.js";
import { addDevice, condition, deviceLine } from "../core/devices.js";
import { ask, confirm } from "../core/dialog.js";
import { empty, shown } from "../core/list.js";
import { forget, places } from "../core/places.js";
import { failed, toast } from "../core/toast.js";
import { may, tone } from "../core/words.js";

const manages = may("doors.manage");
const REFRESH_MS = 15000;

function view() {
  forget();
  return shown(find("#list"), places, list);
}

function list(names) {
  if (!names.sites.length)
    return empty(
      "There are no sites yet.",
      manages && h("a", { class: "button primary", href: "/setup" }, "First steps"),
    );
  const old = names.devices.filter((device) => device.state === "revoked").length;
  return [
    counts(names.devices),
    names.sites.map((site) => place(site, names)),
    old ? h("p", { class: "quiet small" }, `${old} revoked devices are on the pages of their doors.`) : null,
  ];
}

// How many are how, at a glance.
function counts(devices) {
  const all = new Map();
  for (const device of devices.filter((device) => device.state !== "revoked"))
    all.set(condition(device), (all.get(condition(device)) || 0) + 1);
  return h(
    "p",
    { class: "line" },
    [...all].map(([word, count]) => badge(`${count} ${word}`, tone(word))),
  );
}

function place(site, names) {
  const doors = names.doors.filter((door) => door.site === site.id);
  const cards = doors.map((door) => {
    const devices = names.devices.filter((device) => device.door === door.id && device.state !== "revoked");
    return h(
      "article",
      { class: "door-card" },
      h("h3", {}, h("a", { href: `/doors/${door.id}` }, door.name)),
      devices.length ? devices.map(deviceLine) : h("p", { class: "quiet small" }, "No device watches it."),
      may("devices.manage") &&
        h(
          "div",
          {},
          button("Add a device", () => addDevice([], door.id).then((added) => added && view(), failed), {
            picture: "plus",
            tone: "plain",
          }),
        ),
    );
  });
  const tools =
    manages &&
    h(
      "div",
      { class: "line" },
      button("New door", () => addDoor(site.id).catch(failed), { picture: "plus" }),
      button("Rename", () => rename(site).catch(failed), { picture: "edit", "aria-label": `Rename ${site.name}` }),
      button("Remove", () => drop(site).catch(failed), { picture: "trash", "aria-label": `Remove ${site.name}` }),
    );
  return h(
    "section",
    { class: "place" },
    h("div", { class: "line spread" }, h("h2", {}, site.name), tools),
    doors.length ? h("div", { class: "grid" }, cards) : empty("This site has no doors yet."),
  );
}

const nameField = (value) => [{ name: "name", label: "Name", required: true, max: 100, value }];

async function addSite() {
  if (await ask("A new site", nameField(), "Add", (values) => post("/api/v1/sites", values))) view();
}

async function addDoor(site) {
  if (await ask("A new door", nameField(), "Add", (values) => post("/api/v1/doors", { site, name: values.name })))
    view();
}

async function rename(site) {
  if (await ask("Rename the site", nameField(site.name), "Save", (values) => patch(`/api/v1/sites/${site.id}`, values)))
    view();
}

async function drop(site) {
  if (!(await confirm(`Remove the site ${site.name}?`, "Only a site without doors can be removed.", "Remove the site")))
    return;
  await remove(`/api/v1/sites/${site.id}`);
  toast("The site is removed.", {
    action: ["Make it again", () => post("/api/v1/sites", { name: site.name }).then(view, failed)],
  });
  view();
}

if (manages)
  find("#tools").append(button("New site", () => addSite().catch(failed), { picture: "plus", tone: "primary" }));
await view();
// States change by themselves; while a dialog is open nothing is replaced under it.
setInterval(async () => {
  if (document.hidden || document.querySelector("dialog") || find("#list").contains(document.activeElement)) return;
  forget();
  try {
    find("#list").replaceChildren(...[list(await places())].flat(Infinity).filter(Boolean));
  } catch {
    /* The next time may do better. */
  }
}, REFRESH_MS);
