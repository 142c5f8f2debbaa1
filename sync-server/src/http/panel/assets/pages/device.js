// One device: how it is, what it holds, its settings, and what can be done with it.

import "../core/shell.js";
import { get, patch, post, put } from "../core/api.js";
import { badge, button, facts, find, h } from "../core/dom.js";
import { condition, showClaim } from "../core/devices.js";
import { ask, confirm } from "../core/dialog.js";
import { formOf } from "../core/form.js";
import { shown } from "../core/list.js";
import { idOfPage } from "../core/page.js";
import { forget, places } from "../core/places.js";
import { time } from "../core/time.js";
import { during, failed, toast } from "../core/toast.js";
import { may, plain, state } from "../core/words.js";

const id = idOfPage();
const path = `/api/v1/devices/${id}`;
const STANDINGS = {
  in_sync: ["In step", "good"],
  behind: ["Behind", "look"],
  differs: ["Differs", "bad"],
  unheard: ["Nothing heard yet", ""],
};
const COMMANDS = [
  ["identify", "Identify", "The device says in its log who is looked for."],
  ["resync", "Send the gallery anew", "The device asks for the whole gallery."],
  ["restart", "Restart", "The device’s program starts anew."],
  ["self-test", "Test itself", "Camera, models, cache and clock are tried."],
  ["diagnostics", "Diagnostics", "The device gathers what helps to find a fault, without biometrics."],
  ["reload", "Read its file", "The device checks its configuration file and goes on by it."],
];

function view() {
  forget();
  return shown(find("#device"), () => get(path), page);
}

const part = (title, ...content) => h("section", { class: "panel" }, h("h2", {}, title), content);

async function page(device) {
  document.title = `${device.name} · ${document.title.split(" · ").pop()}`;
  find("h1").textContent = device.name;
  const names = await places();
  const manages = may("devices.manage");
  find("#tools").replaceChildren(...(manages ? tools(device, names) : []));
  const gallery = h("div", {});
  shown(gallery, () => get(`${path}/gallery`), holds);
  const seen = device.presence;
  return h(
    "div",
    { class: "grid" },
    part(
      "Device",
      facts([
        ["State", state(condition(device))],
        ["Door", h("a", { href: `/doors/${device.door}` }, names.door(device.door))],
        ["Site", names.site(device.site)],
        ["Since", time(seen.since)],
        ["Last heard", time(seen.last_seen_at, "ago")],
        ["Version", seen.version],
        ["Claimed", time(device.claimed_at)],
        ["Revoked", time(device.revoked_at)],
        ["Replaces", device.replaces && h("a", { href: `/devices/${device.replaces}` }, "another device")],
        ["Replaced by", device.replaced_by && h("a", { href: `/devices/${device.replaced_by}` }, "another device")],
        ["Id", h("code", {}, device.id)],
      ]),
    ),
    part("What it holds", gallery),
    seen.health && part("Health", told(seen.health)),
    seen.info && part("Hardware", told(seen.info)),
    part("Settings", settings(device, manages)),
    manages &&
      device.state === "active" &&
      part(
        "Commands",
        h("p", { class: "quiet small" }, "For a device that is connected now; nothing is kept for later."),
        h(
          "div",
          { class: "stack" },
          COMMANDS.map(command),
          command([
            "reset",
            "Reset",
            "It sends what waits, then forgets identity, keys, gallery and events, and must be claimed anew.",
          ]),
        ),
      ),
  );
}

function holds(gallery) {
  const [words, tone] = STANDINGS[gallery.standing] || [plain(gallery.standing), ""];
  const digest = (text) => text && h("code", { title: text }, `${text.slice(0, 16)}…`);
  return facts([
    ["Gallery", badge(words, tone)],
    ["Should hold", counted(gallery)],
    ["Revision", String(gallery.concerned_by)],
    ["Digest", digest(gallery.digest)],
    ["Holds", gallery.held && counted(gallery.held)],
    ["At revision", gallery.held && String(gallery.held.revision)],
    ["With digest", digest(gallery.held?.digest)],
    ["Said so", time(gallery.held?.at, "ago")],
  ]);
}

// How many persons and templates, in words.
function counted({ persons, templates }) {
  const many = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
  return `${many(persons, "person")}, ${many(templates, "template")}`;
}

// What a device tells of itself, flattened: names as it gives them.
function told(of, before = "") {
  const pairs = Object.entries(of).flatMap(([name, value]) =>
    value && typeof value === "object" && !Array.isArray(value)
      ? Object.entries(value).map(([inner, deep]) => [`${name} ${inner}`, deep])
      : [[name, value]],
  );
  return facts(
    pairs.map(([name, value]) => [
      plain(before + name),
      value === null ? "" : String(typeof value === "object" ? JSON.stringify(value) : value),
    ]),
  );
}

function settings(device, manages) {
  const { settings: own, effective, reported, version } = device.config;
  const words = facts([
    [
      "In force",
      Object.entries(effective)
        .map(([name, value]) => `${plain(name)}: ${value}`)
        .join("; ") || "the device’s own",
    ],
    ["Version", String(version)],
    [
      "Taken over",
      reported
        ? reported.version === version
          ? badge("yes", "good")
          : badge(`has version ${reported.version}`, "look")
        : badge("not said yet"),
    ],
    ["Refused", reported?.error],
  ]);
  if (!manages || device.state !== "active") return words;
  const number = (name, label, hint) => ({ name, label, type: "number", step: "any", value: own[name] ?? "", hint });
  const fields = [
    number("min_face_px", "Least width of a face, pixels"),
    number("health_interval_s", "Seconds between health reports"),
    {
      name: "send_crops",
      label: "Pictures of faces with visits",
      type: "select",
      choices: [
        ["", "as elsewhere"],
        ["true", "yes"],
        ["false", "no"],
      ],
      value: own.send_crops === undefined ? "" : String(own.send_crops),
    },
    number("match_threshold", "Threshold", "Empty: as the door."),
    number("match_margin", "Margin"),
  ];
  const form = formOf(fields, "Save", async (values) => {
    const given = Object.entries(values)
      .filter(([, value]) => value !== "" && value !== null)
      .map(([name, value]) => [name, name === "send_crops" ? value === "true" : value]);
    await put(`${path}/config`, { ...kept(own), ...Object.fromEntries(given) });
    toast("Saved; the device is told.");
    view();
  });
  return [words, h("details", {}, h("summary", {}, "Change for this device"), form)];
}

// What this page has no field for stays as it is.
function kept(own) {
  return Object.fromEntries(Object.entries(own).filter(([name]) => ["target_fpir", "liveness"].includes(name)));
}

function command([kind, words, what]) {
  const send = async (event) => {
    const pressed = event.currentTarget;
    if (kind === "reset" && !(await confirm("Reset the device?", what, "Reset it"))) return;
    await during(pressed, async () => {
      await post(`${path}/commands`, { kind });
      toast(`“${words}” is on its way.`);
    });
  };
  return h(
    "div",
    { class: "line spread" },
    h("span", { class: "small quiet" }, what),
    button(words, send, { tone: kind === "reset" ? "danger" : "" }),
  );
}

function tools(device, names) {
  const all = [button("Rename", () => rename(device).catch(failed), { picture: "edit" })];
  if (device.state === "pending")
    all.push(
      button(
        "New claim code",
        (event) => during(event.currentTarget, async () => showClaim(device.name, await post(`${path}/claim-code`))),
        { tone: "primary" },
      ),
    );
  if (device.state !== "revoked") {
    all.push(
      button("Move", () => move(device, names).catch(failed)),
      button("Revoke", () => revoke(device).catch(failed), { tone: "danger" }),
    );
    if (device.state === "active") all.push(button("Replace", () => replace(device).catch(failed)));
  }
  return all;
}

async function rename(device) {
  if (
    await ask(
      "Rename the device",
      [{ name: "name", label: "Name", required: true, max: 100, value: device.name }],
      "Save",
      (values) => patch(path, values),
    )
  )
    view();
}

async function move(device, names) {
  const fields = [{ name: "door", label: "Door", type: "select", choices: names.doorChoices(), value: device.door }];
  if (
    await ask("To which door?", fields, "Move", (values) => put(`${path}/door`, values), {
      intro: "From now on its visits count there, and it knows whom that door may know.",
    })
  )
    view();
}

async function revoke(device) {
  const sure = await confirm(
    `Revoke ${device.name}?`,
    "It is shut out at once and can never come back under this identity. Its visits stay.",
    "Revoke it",
    { typed: device.name.trim() },
  );
  if (!sure) return;
  await post(`${path}/revoke`);
  view();
}

async function replace(device) {
  if (
    !(await confirm(
      `Replace ${device.name}?`,
      "A new device takes its place and settings; this one is shut out once the new one is claimed.",
      "Replace it",
    ))
  )
    return;
  const added = await post(`${path}/replace`);
  await showClaim(added.device.name, added);
  location.assign(`/devices/${added.device.id}`);
}

view();
