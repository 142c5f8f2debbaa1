// The live wall: visits as they happen, the newest first.

import "../core/shell.js";
import { get } from "../core/api.js";
import { find, h, icon } from "../core/dom.js";
import { broken, empty, loading } from "../core/list.js";
import { follow } from "../core/live.js";
import { places } from "../core/places.js";
import { count } from "../core/unread.js";
import { card, spoken } from "../core/visits.js";
import { chime } from "../core/sound.js";
import { KIND_CHOICES } from "../core/words.js";

const MOST_CARDS = 60;
const STATES = { live: "Live", connecting: "Connecting …", "not-allowed": "You may not watch any more" };

const wall = find("#wall");
const filters = find("#filters");
const list = h("div", { class: "wall" });
const seen = new Set();
let held = [];
let names = null;
let paused = false;
let sounding = false;

function fits(event) {
  const { door, kind, score } = filters.elements;
  const alike = event.similarity ?? event.nearest?.similarity;
  return (
    (!door.value || event.door === door.value) &&
    (!kind.value || event.kind === kind.value) &&
    (!score.value || (alike ?? -1) >= Number(score.value))
  );
}

// Puts a card where its time belongs: what a device reports late does not stand above what is new.
function put(event, fresh) {
  if (seen.has(event.id)) return;
  seen.add(event.id);
  const made = card(event, names, { fresh });
  made.dataset.at = event.at;
  made.visit = event;
  made.hidden = !fits(event);
  const later = [...list.children].find((other) => other.dataset.at <= event.at);
  list.insertBefore(made, later || null);
  while (list.children.length > MOST_CARDS) {
    seen.delete(list.lastChild.dataset.id);
    list.lastChild.remove();
  }
  tidy();
}

function tidy() {
  const shown = [...list.children].some((made) => !made.hidden);
  if (shown) wall.replaceChildren(list);
  else
    wall.replaceChildren(
      empty(
        list.children.length
          ? "No visit fits what is chosen above."
          : "Nobody has come yet. Visits appear here as they happen.",
      ),
    );
}

function arrive(event) {
  if (paused) {
    held.push(event);
    held = held.slice(-MOST_CARDS);
    find("#held").hidden = false;
    find("#show-held").textContent =
      held.length === MOST_CARDS
        ? `Show ${MOST_CARDS} or more that came meanwhile`
        : `Show ${held.length} that came meanwhile`;
    return;
  }
  put(event, true);
  if (!fits(event)) return;
  find("#said").textContent = spoken(event, names);
  if (sounding) chime(event.kind);
}

function pause(on) {
  paused = on;
  const button = find("#pause");
  button.setAttribute("aria-pressed", String(on));
  button.replaceChildren(icon(on ? "play" : "pause"), h("span", {}, on ? "Go on" : "Pause"));
  if (on) return;
  for (const event of held) put(event, true);
  held = [];
  find("#held").hidden = true;
}

async function begin() {
  wall.replaceChildren(loading());
  try {
    names = await places();
    for (const [value, words] of names.doorChoices()) filters.elements.door.append(h("option", { value }, words));
  } catch (error) {
    wall.replaceChildren(broken(error, begin));
    return;
  }
  follow({
    onevent: arrive,
    onstate: (state) => {
      find("#state").textContent = STATES[state];
    },
    oncursor: fill,
    onunread: count,
  });
}

// What there was before: read after the connection stands, so that nothing falls between the two.
async function fill() {
  try {
    const { items } = await get(`/api/v1/events?limit=${MOST_CARDS}`);
    for (const event of items) put(event, false);
    tidy();
  } catch (error) {
    wall.replaceChildren(broken(error, fill));
  }
}

for (const [value, words] of KIND_CHOICES) filters.elements.kind.append(h("option", { value }, words));
filters.addEventListener("submit", (event) => event.preventDefault());
filters.addEventListener("input", () => {
  for (const made of list.children) made.hidden = !fits(made.visit);
  tidy();
});
find("#pause").addEventListener("click", () => pause(!paused));
find("#show-held").addEventListener("click", () => pause(false));
find("#sound").addEventListener("click", (event) => {
  sounding = !sounding;
  event.currentTarget.setAttribute("aria-pressed", String(sounding));
  event.currentTarget.replaceChildren(
    icon(sounding ? "sound" : "mute"),
    h("span", {}, sounding ? "Sound on" : "Sound off"),
  );
  if (sounding) chime("match");
});
await begin();
