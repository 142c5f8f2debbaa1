// Hours of the week, as rules and wishes have them: days, from, until, and the time zone they are counted by.

import { button, h } from "./dom.js";

const DAYS = [
  ["mon", "Mon"],
  ["tue", "Tue"],
  ["wed", "Wed"],
  ["thu", "Thu"],
  ["fri", "Fri"],
  ["sat", "Sat"],
  ["sun", "Sun"],
];
const MOST = 28;
let count = 0;

// A fieldset of windows; `read(name)` gives them as the API takes them, with the zone. Without a zone of its own
// (`zone` is null) it counts by another's.
export function hours(words, windows = [], zone = "") {
  const rows = h("div", { class: "stack" });
  const add = (window) => {
    const id = `window-${(count += 1)}`;
    const box = ([day, name]) =>
      h(
        "label",
        { class: "check small" },
        h("input", { type: "checkbox", value: day, checked: window.days.includes(day) }),
        h("span", {}, name),
      );
    const clock = (name, label, value) =>
      h(
        "div",
        { class: "row" },
        h("label", { for: `${id}-${name}` }, label),
        h("input", { id: `${id}-${name}`, type: "time", required: true, value, data: { part: name } }),
      );
    const row = h(
      "div",
      { class: "window stack", role: "group", "aria-label": "Hours" },
      h("div", { class: "line" }, DAYS.map(box)),
      h(
        "div",
        { class: "line" },
        clock("from", "From", window.from),
        clock("until", "Until", window.until),
        button("Take away", () => row.remove(), { tone: "plain" }),
      ),
    );
    rows.append(row);
  };
  windows.forEach(add);
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const usual = document.body.dataset.zone || own;
  const begun = windows.length ? zone : usual;
  const zones = [...new Set([begun, usual, own, "UTC"])].filter(Boolean);
  const chosen = h(
    "select",
    { id: `zone-${(count += 1)}` },
    zones.map((name) => h("option", { value: name, selected: name === begun }, name)),
  );
  const element = h(
    "fieldset",
    {},
    h("legend", {}, words),
    rows,
    h(
      "div",
      { class: "line" },
      button(
        "Add hours",
        () => {
          if (rows.children.length < MOST)
            add({ days: ["mon", "tue", "wed", "thu", "fri"], from: "22:00", until: "06:00" });
        },
        { picture: "plus" },
      ),
    ),
    zone !== null && h("div", { class: "row" }, h("label", { for: chosen.id }, "Time zone of the hours"), chosen),
  );
  const read = (name) => ({
    [name]: [...rows.children].map((row) => ({
      days: [...row.querySelectorAll("input:checked")].map((input) => input.value),
      from: row.querySelector("[data-part=from]").value,
      until: row.querySelector("[data-part=until]").value,
    })),
    ...(zone === null ? {} : { time_zone: chosen.value }),
  });
  return { element, read };
}
