// Unknown visitors: groups of visits of one face; promoted, merged, dismissed.

import "../core/shell.js";
import { get, post, query } from "../core/api.js";
import { badge, button, find, h, icon } from "../core/dom.js";
import { empty, paged } from "../core/list.js";
import { places } from "../core/places.js";
import { time } from "../core/time.js";
import { during, failed, toast } from "../core/toast.js";
import { promote } from "../core/unknowns.js";
import { may } from "../core/words.js";

const PAGE = 40;
const form = find("#filters");
const chosen = new Map();
let names = null;
let list = null;

const path = (item, verb) => `/api/v1/unknowns/${item.id}${verb ? `/${verb}` : ""}`;

function card(item) {
  const face = item.best_shot
    ? h("img", { class: "crop", src: `/api/v1/events/${item.best_shot}/crop`, alt: "", loading: "lazy" })
    : h("div", { class: "crop" }, icon("unknown"));
  const doors = item.doors.map((at) => `${names.door(at.door)} (${at.visits})`).join(", ");
  const box =
    may("events.judge") &&
    h(
      "label",
      { class: "check small" },
      h("input", {
        type: "checkbox",
        checked: chosen.has(item.id),
        onchange: (event) => {
          if (event.target.checked) chosen.set(item.id, item);
          else chosen.delete(item.id);
          tools();
        },
      }),
      h("span", {}, "The same as another"),
    );
  return h(
    "article",
    { class: "visit-card unknown" },
    h("a", { href: `/unknowns/${item.id}`, "aria-label": "This visitor" }, face),
    h(
      "div",
      { class: "words" },
      h(
        "a",
        { class: "name", href: `/unknowns/${item.id}` },
        `${item.visits} ${item.visits === 1 ? "visit" : "visits"}`,
      ),
      h("span", { class: "small" }, doors),
      h(
        "span",
        { class: "small quiet" },
        "last ",
        time(item.last_seen, "ago"),
        ", first ",
        time(item.first_seen, "date"),
      ),
      item.state === "dismissed" && badge("Dismissed"),
      box,
      h(
        "div",
        { class: "line" },
        may("persons.manage") && button("Enroll", () => promote(item).catch(failed), { tone: "primary" }),
        may("events.judge") &&
          (item.state === "open"
            ? button("Dismiss", (event) => mark(event.currentTarget, item, "dismiss", "reopen"))
            : button("Open again", (event) => mark(event.currentTarget, item, "reopen", "dismiss"))),
      ),
    ),
  );
}

function mark(pressed, item, verb, back) {
  return during(pressed, async () => {
    await post(path(item, verb));
    toast(verb === "dismiss" ? "Dismissed." : "Open again.", {
      action: ["Take back", () => post(path(item, back)).then(() => list.reload(), failed)],
    });
    list.reload();
  });
}

function tools() {
  const all = [...chosen.values()];
  const merge = button(
    `Put ${all.length} together`,
    (event) =>
      during(event.currentTarget, async () => {
        await post(path(all[0], "merge"), { with: all.slice(1).map((item) => item.id) });
        chosen.clear();
        tools();
        toast("They are one visitor now.");
        list.reload();
      }),
    { tone: "primary" },
  );
  find("#chosen").replaceChildren(
    ...(all.length > 1
      ? [
          merge,
          button("Choose none", () => {
            chosen.clear();
            tools();
            list.reload();
          }),
        ]
      : []),
  );
}

function show() {
  const values = Object.fromEntries(new FormData(form));
  list = paged(find("#list"), {
    load: (cursor) => get(`/api/v1/unknowns${query({ ...values, limit: PAGE, cursor })}`),
    begin: holder,
    none: () => empty("No unknown visitor fits."),
    end: "Those are all.",
  });
}

function holder(items) {
  const element = h("div", { class: "wall" }, items.map(card));
  return { element, add: (more) => element.append(...more.map(card)) };
}

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("change", show);
names = await places();
for (const [value, words] of names.doorChoices()) form.elements.door.append(h("option", { value }, words));
show();
