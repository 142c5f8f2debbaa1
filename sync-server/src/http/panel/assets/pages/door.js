// One door: its devices, whom it may know, how strict it is.

import "../core/shell.js";
import { get, patch, put, query, remove } from "../core/api.js";
import { button, facts, find, h } from "../core/dom.js";
import { addDevice, deviceLine } from "../core/devices.js";
import { ask, confirm } from "../core/dialog.js";
import { formOf } from "../core/form.js";
import { empty, shown } from "../core/list.js";
import { idOfPage } from "../core/page.js";
import { forget, places } from "../core/places.js";
import { threadPart } from "../core/thread.js";
import { outlook, recognitionBody, recognitionFields, strictness } from "../core/recognition.js";
import { failed, toast } from "../core/toast.js";
import { card } from "../core/visits.js";
import { may } from "../core/words.js";

const id = idOfPage();
const path = `/api/v1/doors/${id}`;
const RECENT = 6;

function view() {
  forget();
  return shown(find("#door"), () => get(path), page);
}

function part(title, load, make, tools) {
  const place = h("div", { class: "stack" });
  const again = () => shown(place, load, (found) => make(found, again));
  again();
  return h("section", { class: "panel" }, h("div", { class: "panel-head" }, h("h2", {}, title), tools), place);
}

async function page(door) {
  document.title = `${door.name} · ${document.title.split(" · ").pop()}`;
  find("h1").textContent = door.name;
  const names = await places();
  const manages = may("doors.manage");
  find("#tools").replaceChildren(
    ...(manages
      ? [
          button("Rename", () => rename(door).catch(failed), { picture: "edit" }),
          button("Remove", () => drop(door).catch(failed), { picture: "trash", tone: "danger" }),
        ]
      : []),
  );
  const devices = names.devices.filter((device) => device.door === id);
  return [
    h("p", { class: "quiet" }, `At ${names.site(door.site)}`),
    h(
      "div",
      { class: "grid" },
      h(
        "section",
        { class: "panel" },
        h(
          "div",
          { class: "panel-head" },
          h("h2", {}, "Devices"),
          may("devices.manage") &&
            button("Add", () => addDevice([], id).then((added) => added && view(), failed), { picture: "plus" }),
        ),
        devices.length ? devices.map(deviceLine) : empty("No device watches this door."),
      ),
      may("events.read") &&
        part(
          "Last visits",
          () => get(`/api/v1/events${query({ door: id, limit: RECENT })}`),
          ({ items }) =>
            items.length ? items.map((event) => card(event, names, { how: "short" })) : empty("Nobody has come yet."),
          h("a", { href: `/visits?door=${id}` }, "All visits"),
        ),
      part("Whom it knows", () => get(`${path}/gallery-rule`), rule),
      may("settings.read") && part("How strict it is", () => get(`${path}/recognition`), recognition),
      may("events.read") && threadPart("door", id),
    ),
  ];
}

async function rule(current, again) {
  const groups = may("persons.read") ? (await get("/api/v1/groups")).items : [];
  const everyone = current.rule.know === "everyone";
  const chosen = current.rule.groups || [];
  const named = chosen.map((group) => groups.find((other) => other.id === group)?.name || "a group");
  const words = h(
    "p",
    {},
    everyone ? "Everybody enrolled." : chosen.length ? `Members of ${named.join(", ")}.` : "Nobody.",
  );
  if (!may("doors.manage") || !may("persons.read")) return words;
  const change = async () => {
    const fields = [
      { name: "everyone", label: "Everybody enrolled", type: "check", value: everyone },
      {
        name: "groups",
        label: "Otherwise, members of",
        type: "checks",
        choices: groups.map((group) => [group.id, group.name]),
        value: chosen,
      },
    ];
    const save = (values) =>
      put(`${path}/gallery-rule`, values.everyone ? { know: "everyone" } : { know: "groups", groups: values.groups }, {
        etag: current.etag,
      });
    if (await ask("Whom may this door know?", fields, "Save", save)) {
      toast("Saved; the devices are told.");
      again();
    }
  };
  return [
    words,
    h(
      "div",
      {},
      button("Change", () => change().catch(failed), { picture: "edit" }),
    ),
  ];
}

function recognition(current, again) {
  const words = [facts(strictness(current.in_force)), outlook(current.outlook)];
  if (!may("settings.manage")) return words;
  const form = formOf(
    recognitionFields(current.settings),
    "Save",
    async (values) => {
      await put(`${path}/recognition`, recognitionBody(values), { etag: current.etag });
      toast("Saved; the devices are told.");
      again();
    },
    {
      beside: button("As the installation", () =>
        remove(`${path}/recognition`, { etag: current.etag }).then(again, failed),
      ),
    },
  );
  return [words, h("details", {}, h("summary", {}, "Change for this door"), form)];
}

async function rename(door) {
  if (
    await ask(
      "Rename the door",
      [{ name: "name", label: "Name", required: true, max: 100, value: door.name }],
      "Save",
      (values) => patch(path, values, { etag: door.etag }),
    )
  )
    view();
}

async function drop(door) {
  if (
    !(await confirm(
      `Remove the door ${door.name}?`,
      "Only a door without devices can be removed. Its visits stay.",
      "Remove the door",
    ))
  )
    return;
  await remove(path);
  location.assign("/doors");
}

view();
