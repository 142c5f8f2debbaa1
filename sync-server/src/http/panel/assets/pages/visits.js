// Visits of the past: filters, their number over time, days, and a file of them.

import "../core/shell.js";
import { get, query } from "../core/api.js";
import { find, h, s } from "../core/dom.js";
import { csv, save } from "../core/csv.js";
import { empty, paged, shown } from "../core/list.js";
import { places } from "../core/places.js";
import { dayOf, fromField, time, toField } from "../core/time.js";
import { during, toast } from "../core/toast.js";
import { card } from "../core/visits.js";
import { KIND_CHOICES } from "../core/words.js";

const PAGE = 60;
const EXPORT_PAGE = 500;
const MOST_EXPORTED = 50000;
const DAY_MS = 86400000;

const form = find("#filters");
const asked = new URLSearchParams(location.search);
let person = asked.get("person") || "";
let names = null;

function wanted() {
  const { door, kind, from, until, score_min, score_max } = form.elements;
  return {
    door: door.value,
    kind: kind.value,
    from: fromField(from.value),
    until: fromField(until.value),
    score_min: score_min.value,
    score_max: score_max.value,
    person,
  };
}

// The days, each with its visits; a page may begin in the middle of one.
function days(items) {
  const element = h("div", { class: "days" });
  let open = null;
  const add = (more) => {
    for (const event of more) {
      const day = dayOf(event.at);
      if (open?.day !== day) {
        open = { day, wall: h("div", { class: "wall" }) };
        element.append(h("section", { class: "stack" }, h("h2", {}, time(event.at, "day")), open.wall));
      }
      open.wall.append(card(event, names));
    }
  };
  add(items);
  return { element, add };
}

function list() {
  const filters = wanted();
  paged(find("#list"), {
    load: (cursor) => get(`/api/v1/events${query({ ...filters, limit: PAGE, cursor })}`),
    begin: days,
    none: () => empty("No visit fits. Choose less above, or another time."),
  });
}

// At most two weeks by hour, a year by day.
function span() {
  const { from, until } = wanted();
  const end = until ? new Date(until) : new Date();
  const start = from ? new Date(from) : new Date(end.getTime() - 7 * DAY_MS);
  const days = (end - start) / DAY_MS;
  if (!(days > 0 && days <= 365)) return null;
  return { from: start.toISOString(), until: end.toISOString(), by: days <= 14 ? "hour" : "day" };
}

function timeline() {
  const place = find("#timeline");
  const time = span();
  place.hidden = !time;
  if (!time) return;
  shown(
    place,
    () => get(`/api/v1/events/counts${query({ ...wanted(), ...time })}`),
    ({ items }) => {
      const most = Math.max(1, ...items.map((item) => item.count));
      const total = items.reduce((sum, item) => sum + item.count, 0);
      const width = 100 / Math.max(1, items.length);
      const bars = items.flatMap((item, at) => {
        const unknown = (item.kinds.unknown || 0) + (item.kinds.spoof_suspected || 0);
        const bar = (count, below, name) =>
          count &&
          s(
            "rect",
            {
              class: name,
              x: at * width + 0.1 * width,
              width: 0.8 * width,
              height: (30 * count) / most,
              y: 30 - (30 * (count + below)) / most,
            },
            s("title", {}, `${new Date(item.from).toLocaleString()}: ${item.count}`),
          );
        return [bar(unknown, 0, "unknown"), bar(item.count - unknown, unknown, "")].filter(Boolean);
      });
      const words = `${total} from ${new Date(time.from).toLocaleString()} to ${new Date(time.until).toLocaleString()}, by ${time.by}; in brass: not known`;
      return [
        s(
          "svg",
          { class: "timeline", viewBox: "0 0 100 30", preserveAspectRatio: "none", role: "img", "aria-label": words },
          bars,
        ),
        h("figcaption", { class: "quiet small" }, words),
      ];
    },
  );
}

async function exported(button) {
  await during(button, async () => {
    const events = [];
    let cursor;
    do {
      const page = await get(`/api/v1/events${query({ ...wanted(), limit: EXPORT_PAGE, cursor })}`);
      events.push(...page.items);
      cursor = page.next;
    } while (cursor && events.length < MOST_EXPORTED);
    const head = [
      "at",
      "door",
      "device",
      "kind",
      "person",
      "name",
      "similarity",
      "threshold",
      "quality",
      "liveness",
      "id",
    ];
    const row = (event) => [
      event.at,
      names.door(event.door),
      names.device(event.device),
      event.kind,
      event.person?.id,
      event.person?.name,
      event.similarity,
      event.threshold,
      event.quality?.overall,
      event.liveness?.score,
      event.id,
    ];
    save("visits.csv", csv([head, ...events.map(row)]));
    toast(
      cursor
        ? `The file holds the newest ${events.length}; choose a shorter time for the rest.`
        : `${events.length} visits saved.`,
    );
  });
}

// The person whose visits are shown, if one is.
async function personFilter() {
  if (!person) return;
  const place = find("#person-filter");
  const words = await get(`/api/v1/persons/${person}`).then(
    (found) => found.name,
    () => "one person",
  );
  place.replaceChildren(
    h("p", { class: "note" }, `Visits of ${words}. `, h("a", { href: "/visits" }, "Show everybody’s")),
  );
}

function refresh() {
  history.replaceState(null, "", `/visits${query(wanted())}`);
  list();
  timeline();
}

for (const [value, words] of KIND_CHOICES) form.elements.kind.append(h("option", { value }, words));
names = await places();
for (const [value, words] of names.doorChoices()) form.elements.door.append(h("option", { value }, words));
for (const name of ["door", "kind", "score_min", "score_max"]) form.elements[name].value = asked.get(name) || "";
for (const name of ["from", "until"]) form.elements[name].value = toField(asked.get(name));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  refresh();
});
form.addEventListener("reset", () => {
  person = "";
  find("#person-filter").replaceChildren();
  setTimeout(refresh);
});
find("#export").addEventListener("click", (event) => exported(event.currentTarget));
personFilter();
refresh();
