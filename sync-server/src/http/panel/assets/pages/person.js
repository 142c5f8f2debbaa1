// One person: templates by angle, consent, validity, groups, doors, and what may be done.

import "../core/shell.js";
import { get, patch, put, query, remove } from "../core/api.js";
import { consentList } from "../core/consents.js";
import { badge, button, facts, find, h, table } from "../core/dom.js";
import { ask, confirm } from "../core/dialog.js";
import { empty, shown } from "../core/list.js";
import { historyPart, merge, split } from "../core/mending.js";
import { idOfPage } from "../core/page.js";
import { groupChoices } from "../core/persons.js";
import { places } from "../core/places.js";
import { threadPart } from "../core/thread.js";
import { fromField, time, toField } from "../core/time.js";
import { during, failed, toast } from "../core/toast.js";
import { card } from "../core/visits.js";
import { may, percent, plain, score } from "../core/words.js";

const id = idOfPage();
const path = `/api/v1/persons/${id}`;
const ANGLES = [
  ["frontal", "Frontal"],
  ["left", "Left"],
  ["right", "Right"],
];
const RECENT = 6;

const view = () => shown(find("#person"), () => get(path), page);

function part(title, tools, ...content) {
  return h("section", { class: "panel" }, h("div", { class: "panel-head" }, h("h2", {}, title), tools), content);
}

// A part that is read by itself, so that one that fails does not take the others away.
function later(title, load, make, tools) {
  const place = h("div", { class: "stack" });
  shown(place, load, make);
  return part(title, tools, place);
}

async function page(person) {
  document.title = `${person.name} · ${document.title.split(" · ").pop()}`;
  find("h1").textContent = person.name;
  const manages = may("persons.manage");
  const [groups, fields] = await Promise.all([groupChoices(), get("/api/v1/settings/person-fields")]);
  find("#tools").replaceChildren(
    ...(manages
      ? [
          h("a", { class: "button primary", href: `/enroll?person=${id}` }, "Add pictures"),
          button("Change", () => change(person, groups, fields.fields).catch(failed), { picture: "edit" }),
          button("Merge", () => merge(person, view).catch(failed)),
          button("Split", () => split(person, view).catch(failed)),
          button("Remove for good", () => erase(person).catch(failed), { picture: "trash", tone: "danger" }),
        ]
      : []),
    ...(may("notifications.manage")
      ? [h("a", { class: "button", href: `/rules?person=${id}` }, "Tell me when seen")]
      : []),
  );
  const inGroups = person.groups
    .map((group) => groups.find(([id]) => id === group)?.[1])
    .filter(Boolean)
    .join(", ");
  const own = fields.fields.map((field) => [field.label, person.fields[field.key]]);
  return h(
    "div",
    { class: "grid" },
    part(
      "Person",
      null,
      facts([
        ["Consent", person.consent_at ? time(person.consent_at) : badge("Not given", "bad")],
        ["Groups", inGroups || "none"],
        ["Known from", time(person.valid_from)],
        ["Known until", time(person.valid_until)],
        ["Added", time(person.created_at)],
        ...own,
        ["Notes", person.notes],
      ]),
    ),
    consents(manages),
    later(
      "Templates",
      () => get(`${path}/templates`),
      (found) => templates(found.items, manages),
    ),
    later("At the doors", () => Promise.all([get(`${path}/doors`), get(`${path}/sync`)]), doors),
    may("events.read") &&
      later(
        "Last visits",
        () => get(`/api/v1/events${query({ person: id, limit: RECENT })}`),
        visits,
        h("a", { href: `/visits?person=${id}` }, "All visits"),
      ),
    later("Lookalikes", () => get(`${path}/lookalikes`), lookalikes),
    manages && later("When their time is over", () => get(`${path}/on-expiry`), expiry),
    part("History", null, historyPart(id, manages, view)),
    may("events.read") && threadPart("person", id),
  );
}

function templates(items, manages) {
  const has = new Set(items.map((item) => item.angle));
  const coverage = h(
    "ul",
    { class: "angles", "aria-label": "Angles there are templates of" },
    ANGLES.map(([angle, words]) =>
      h(
        "li",
        { class: has.has(angle) ? "has" : "" },
        words,
        h("span", { class: "unseen" }, has.has(angle) ? ": there" : ": missing"),
      ),
    ),
  );
  if (!items.length) return [coverage, empty("There are no templates: no door knows this person yet.")];
  const missing = ANGLES.filter(([angle]) => !has.has(angle)).map(([, words]) => words.toLowerCase());
  const advice = missing.length
    ? h("p", { class: "hint" }, `A picture from the ${missing.join(" and the ")} would help.`)
    : null;
  return [
    coverage,
    advice,
    table(
      "Templates",
      ["Angle", "Quality", "Made", ...(manages ? [""] : [])],
      items.map((item) => [
        plain(item.angle),
        percent(item.quality),
        h("span", { title: item.pack }, time(item.created_at, "date")),
        ...(manages
          ? [
              button("", (event) => removeTemplate(event.currentTarget, item), {
                picture: "trash",
                tone: "icon-button",
                "aria-label": `Remove the ${item.angle} template`,
              }),
            ]
          : []),
      ]),
    ),
  ];
}

function consents(manages) {
  const place = h("div", { class: "stack" });
  const again = () =>
    shown(
      place,
      () => get(`${path}/consents`),
      (found) => consentList(id, found, manages, again),
    );
  again();
  return part("Consent", null, place);
}

async function removeTemplate(pressed, item) {
  const sure = await confirm(
    "Remove this template?",
    "Doors forget it. It cannot be taken back; the person can be photographed again.",
    "Remove it",
  );
  if (!sure) return;
  await during(pressed, async () => {
    await remove(`/api/v1/templates/${item.id}`);
    toast("The template is removed.");
  });
  view();
}

function doors([{ items }, sync]) {
  if (!items.length) return empty("No door with a camera is within your reach.");
  const state = (door) => {
    if (!door.may_know) return badge("Not known here");
    if (!door.devices) return badge("No device", "look");
    return door.up_to_date === door.devices
      ? badge("Known", "good")
      : badge(`${door.up_to_date} of ${door.devices} devices up to date`, "look");
  };
  return [
    h(
      "p",
      { class: "quiet" },
      `On ${sync.holding} of ${sync.total} devices${sync.leaving ? `; ${sync.leaving} have still to forget` : ""}.`,
    ),
    table(
      "Doors",
      ["Door", "State"],
      items.map((door) => [h("a", { href: `/doors/${door.door}` }, door.name), state(door)]),
    ),
  ];
}

async function visits({ items }) {
  if (!items.length) return empty("No visit is known.");
  const names = await places();
  return h(
    "div",
    { class: "stack" },
    items.map((event) => card(event, names, { how: "short" })),
  );
}

function lookalikes({ items, above }) {
  if (!items.length) return h("p", { class: "quiet" }, `Nobody else is ${score(above)} or more alike.`);
  return items.map((other) =>
    h(
      "p",
      {},
      h("a", { href: `/people/${other.person}` }, other.name),
      ` is ${score(other.similarity)} alike. Check that it is not the same person twice.`,
    ),
  );
}

function expiry({ erase: erases }) {
  const box = h("input", {
    type: "checkbox",
    id: "on-expiry",
    checked: erases,
    onchange: async () => {
      try {
        await put(`${path}/on-expiry`, { erase: box.checked });
        toast(
          box.checked
            ? "The person will be removed for good when their time is over."
            : "The person will stay when their time is over.",
        );
      } catch (error) {
        box.checked = !box.checked;
        failed(error);
      }
    },
  });
  return h("label", { class: "check", for: "on-expiry" }, box, h("span", {}, "Remove the person for good"));
}

// A field of the installation's own, as a form shows it.
function ownField(field, value) {
  const name = `own:${field.key}`;
  const common = { name, label: field.label, value: value ?? "" };
  if (field.kind === "choice")
    return { ...common, type: "select", choices: [["", "–"], ...field.choices.map((choice) => [choice, choice])] };
  if (field.kind === "number") return { ...common, type: "number", min: field.min, step: "any" };
  return { ...common, type: field.kind === "date" ? "date" : "text", max: field.max_chars };
}

async function change(person, groups, fields) {
  const shownFields = [
    { name: "name", label: "Name", required: true, max: 100, value: person.name },
    { name: "groups", label: "Groups", type: "checks", choices: groups, value: person.groups },
    { name: "valid_from", label: "Known from", type: "datetime-local", value: toField(person.valid_from) },
    { name: "valid_until", label: "Known until", type: "datetime-local", value: toField(person.valid_until) },
    ...fields.map((field) => ownField(field, person.fields[field.key])),
    { name: "notes", label: "Notes", type: "textarea", max: 4000, value: person.notes },
  ];
  const changed = await ask("Change the person", shownFields, "Save", (values) => {
    const own = Object.fromEntries(
      fields.map((field) => [field.key, values[`own:${field.key}`] === "" ? null : values[`own:${field.key}`]]),
    );
    const body = {
      name: values.name,
      notes: values.notes,
      groups: values.groups,
      valid_from: fromField(values.valid_from),
      valid_until: fromField(values.valid_until),
      fields: own,
    };
    return patch(path, body, { etag: person.etag });
  });
  if (changed) {
    toast("Saved.");
    view();
  }
}

async function erase(person) {
  const sure = await confirm(
    `Remove ${person.name} for good?`,
    [
      "The person’s key is destroyed at once: templates, pictures and the name can never be read again, here or in backups.",
      "Every device is told to forget them, and confirms it. This cannot be undone.",
    ],
    "Remove for good",
    { typed: person.name.trim() },
  );
  if (!sure) return;
  const { erasure } = await remove(path);
  location.assign(may("erasures.read") && erasure ? `/erasures#${erasure}` : "/people");
}

view();
