// One unknown visitor: the visits put together, taken apart again, enrolled or dismissed; and what people say.

import "../core/shell.js";
import { get, post, query } from "../core/api.js";
import { badge, button, facts, find, h } from "../core/dom.js";
import { cards, empty, paged, shown } from "../core/list.js";
import { idOfPage } from "../core/page.js";
import { places } from "../core/places.js";
import { threadPart } from "../core/thread.js";
import { time } from "../core/time.js";
import { during, failed, toast } from "../core/toast.js";
import { promote } from "../core/unknowns.js";
import { card } from "../core/visits.js";
import { may } from "../core/words.js";

const PAGE = 40;
const chosen = new Set();
let names = null;

async function view(item) {
  // An id that was given up leads to what it became.
  const path = `/api/v1/unknowns/${item.id}`;
  names = await places();
  find("#tools").replaceChildren(
    ...[
      may("persons.manage") && button("Enroll", () => promote(item).catch(failed), { tone: "primary" }),
      may("events.judge") && mark(item, path),
    ].filter(Boolean),
  );
  const doors = item.doors.map((at) => `${names.door(at.door)} (${at.visits})`).join(", ");
  const visits = h("div", { class: "stack" });
  const apart = h("div", { class: "line", role: "status" });
  list(item, visits, apart, path);
  return h(
    "div",
    { class: "grid" },
    h(
      "section",
      { class: "panel" },
      h("h2", {}, "Visitor"),
      item.best_shot && h("img", { class: "crop large", src: `/api/v1/events/${item.best_shot}/crop`, alt: "The best picture" }),
      facts([
        ["State", item.state === "open" ? badge("Open", "accent") : badge("Dismissed")],
        ["Visits", String(item.visits)],
        ["Doors", doors],
        ["First", time(item.first_seen)],
        ["Last", time(item.last_seen)],
      ]),
    ),
    h(
      "section",
      { class: "panel wide" },
      h("h2", {}, "Visits"),
      may("events.judge") &&
        item.visits > 1 &&
        h("p", { class: "hint" }, "Tick those that are somebody else’s; they become a visitor of their own."),
      apart,
      visits,
    ),
    threadPart("unknown", item.id),
  );
}

function mark(item, path) {
  const open = item.state === "open";
  const verb = open ? "dismiss" : "reopen";
  return button(open ? "Dismiss" : "Open again", (event) =>
    during(event.currentTarget, async () => {
      await post(`${path}/${verb}`);
      toast(open ? "Dismissed." : "Open again.");
      again();
    }),
  );
}

function list(item, place, apart, path) {
  chosen.clear();
  const one = (event) =>
    h(
      "div",
      { class: "stack tight" },
      card(event, names, { how: "short" }),
      may("events.judge") &&
        item.visits > 1 &&
        h(
          "label",
          { class: "check small" },
          h("input", {
            type: "checkbox",
            onchange: (change) => {
              if (change.target.checked) chosen.add(event.id);
              else chosen.delete(event.id);
              tools(item, apart, path);
            },
          }),
          h("span", {}, "Somebody else"),
        ),
    );
  paged(place, {
    load: (cursor) => get(`/api/v1/events${query({ unknown: item.id, limit: PAGE, cursor })}`),
    begin: cards("wall", one),
    none: () => empty("The visits are no longer kept."),
    end: "Those are all.",
  });
}

function tools(item, place, path) {
  const all = chosen.size >= item.visits;
  const split = button(
    `Take ${chosen.size} apart`,
    (event) =>
      during(event.currentTarget, async () => {
        const other = await post(`${path}/split`, { visits: [...chosen] });
        toast("They are another visitor now.", {
          action: ["Take back", () => post(`${path}/merge`, { with: [other.id] }).then(again, failed)],
        });
        again();
      }),
    { tone: "primary", disabled: all },
  );
  place.replaceChildren(...(chosen.size ? [split, all ? h("span", { class: "hint" }, "One must stay.") : ""] : []));
}

const again = () => shown(find("#unknown"), () => get(`/api/v1/unknowns/${idOfPage()}`), view);
again();
