// How doors and the server are used: drawings made by the server, each with its table and a file.

import "../core/shell.js";
import { get, put, query } from "../core/api.js";
import { badge, find, h, icon, table } from "../core/dom.js";
import { formOf } from "../core/form.js";
import { empty, shown } from "../core/list.js";
import { places } from "../core/places.js";
import { fromField } from "../core/time.js";
import { toast } from "../core/toast.js";
import { may, percent, plain } from "../core/words.js";

const BY = [
  ["day", "by day"],
  ["hour", "by hour of the day"],
  ["weekday", "by weekday"],
  ["door", "by door"],
];
const form = find("#filters");
const number = new Intl.NumberFormat();

// Each figure: its heading, its path, what it needs beside `by`, and what is said below it.
const FIGURES = [
  ...BY.map(([by, words]) => ({ title: `Visits ${words}`, path: "visits", more: { by }, said: visitFacts, placed: true })),
  { title: "Time to decide", path: "decisions", said: decisionFacts, placed: true },
  { title: "Enrollment", path: "enrollment", needs: "health.read" },
  { title: "Use of the API and of pages", path: "api-use", needs: "health.read" },
  { title: "Growth of the store", path: "storage", needs: "health.read" },
];

function span() {
  const { from, until, where } = form.elements;
  const [kind, id] = where.value.split(":");
  return { from: fromField(from.value), until: fromField(until.value), ...(kind ? { [kind]: id } : {}) };
}

function visitFacts(figure) {
  const busiest = (figure.facts.busiest || []).filter((one) => one.visits > 0).slice(0, 3);
  return [
    figure.facts.known_share !== null &&
      figure.facts.known_share !== undefined &&
      h("p", {}, `Known: ${percent(figure.facts.known_share)} of visits that could be judged.`),
    busiest.length > 0 &&
      h("p", {}, `Busiest: ${busiest.map((one) => `${one.label} (${number.format(one.visits)})`).join(", ")}.`),
    h("p", { class: "quiet small" }, `Days and hours by ${figure.facts.time_zone}.`),
  ];
}

function decisionFacts({ facts }) {
  const told = ["p50", "p90", "p99"].map((name) => [name, facts[name] ?? facts[`${name}_ms`]]);
  const words = told.filter(([, value]) => value !== null && value !== undefined).map(([name, ms]) => `${name} ${ms} ms`);
  return words.length ? h("p", {}, `Up to: ${words.join(", ")}.`) : null;
}

function figurePart({ title, path, more = {}, said, placed }) {
  const place = h("div", { class: "stack" });
  const wanted = () => {
    const { from, until, ...at } = span();
    return { ...more, from, until, ...(placed ? at : {}) };
  };
  const url = (format) => `/api/v1/analytics/${path}${query({ ...wanted(), format })}`;
  const load = () => shown(place, () => get(url()), (figure) => drawn(figure, title, url, said));
  const element = h("section", { class: "panel wide" }, h("h2", {}, title), place);
  return { element, load };
}

function drawn(figure, title, url, said) {
  const total = figure.rows.reduce((sum, row) => sum + row.values.reduce((all, value) => all + value, 0), 0);
  if (!total) return empty("Nothing was counted in this time.");
  return [
    h("img", { class: "figure", src: url("svg"), alt: `${title}, as bars; the numbers stand in the table`, loading: "lazy" }),
    said?.(figure),
    h(
      "details",
      {},
      h("summary", {}, "As a table"),
      table(
        title,
        [plain(figure.of), ...figure.columns.map(plain)],
        figure.rows.map((row) => [row.label, ...row.values.map((value) => number.format(value))]),
      ),
    ),
    h(
      "div",
      {},
      h("a", { class: "button", href: url("csv"), download: `${title.toLowerCase().replaceAll(" ", "-")}.csv` }, icon("download"), "CSV"),
    ),
  ];
}

// Who was seen on how many days: only where it is switched on, and each look is written down.
function presence() {
  const place = h("div", { class: "stack" });
  const view = () => shown(place, () => get("/api/v1/settings/analytics"), parts);
  const parts = (set) => [
    h("p", { class: "quiet" }, "A ranking of persons by how often they were seen. In many places it needs their word."),
    set.rank_persons ? badge("Switched on: each look is in the audit log", "look") : badge("Switched off", "good"),
    may("settings.manage") &&
      formOf(
        [{ name: "rank_persons", label: "Persons may be ranked here", type: "check", value: set.rank_persons }],
        "Save",
        async (values) => {
          await put("/api/v1/settings/analytics", values, { etag: set.etag });
          toast("Saved.");
          view();
        },
      ),
    set.rank_persons && may("persons.read") && look(),
  ];
  view();
  return h("section", { class: "panel wide" }, h("h2", {}, "Persons"), place);
}

function look() {
  const place = h("div", { class: "stack" });
  const { element, load } = figurePart({ title: "Days seen", path: "presence", placed: true });
  const pressed = h(
    "button",
    {
      type: "button",
      onclick: () => {
        place.replaceChildren(element);
        load();
      },
    },
    "Look, and have it written down",
  );
  place.append(pressed);
  return place;
}

const names = await places();
for (const site of names.sites) form.elements.where.append(h("option", { value: `site:${site.id}` }, `Site ${site.name}`));
for (const [id, words] of names.doorChoices())
  form.elements.where.append(h("option", { value: `door:${id}` }, `Door ${words}`));
const figures = FIGURES.filter((one) => !one.needs || may(one.needs)).map(figurePart);
find("#figures").replaceChildren(...figures.map((one) => one.element), may("settings.read") ? presence() : "");
const refresh = () => figures.forEach((one) => one.load());
form.addEventListener("submit", (event) => {
  event.preventDefault();
  refresh();
});
refresh();
