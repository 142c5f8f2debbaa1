// Who is enrolled: found by name and filters.

import "../core/shell.js";
import { get, post, query } from "../core/api.js";
import { badge, button, find, h } from "../core/dom.js";
import { ask } from "../core/dialog.js";
import { cards, empty, paged } from "../core/list.js";
import { groupChoices, newPersonFields, personBody } from "../core/persons.js";
import { time } from "../core/time.js";
import { failed } from "../core/toast.js";
import { may } from "../core/words.js";

const PAGE = 48;
const TYPING_MS = 250;

const form = find("#filters");
let names = new Map();

function card(person) {
  const now = Date.now();
  const over = person.valid_until && Date.parse(person.valid_until) <= now;
  const later = person.valid_from && Date.parse(person.valid_from) > now;
  return h(
    "a",
    { class: "person-card", href: `/people/${person.id}` },
    h("span", { class: "name" }, person.name),
    h(
      "span",
      { class: "line" },
      person.templates
        ? badge(`${person.templates} ${person.templates === 1 ? "template" : "templates"}`, "good")
        : badge("No templates", "look"),
      !person.consent_at && badge("No consent", "bad"),
      over && badge("Over", "bad"),
      later && badge("Not yet", "look"),
    ),
    h(
      "span",
      { class: "small quiet" },
      person.groups
        .map((id) => names.get(id))
        .filter(Boolean)
        .join(", ") || "in no group",
    ),
    h("span", { class: "small quiet" }, "since ", time(person.created_at, "date")),
  );
}

function list() {
  const values = Object.fromEntries(new FormData(form));
  history.replaceState(null, "", `/people${query(values)}`);
  const isAll = !Object.values(values).some(Boolean);
  const begin = may("persons.manage") && h("a", { class: "button", href: "/enroll" }, "Enroll the first person");
  paged(find("#list"), {
    load: (after) => get(`/api/v1/persons${query({ ...values, limit: PAGE, after })}`),
    begin: cards("people", card),
    none: () =>
      isAll ? empty("Nobody is enrolled yet.", begin) : empty("Nobody fits. Try fewer letters, or fewer filters."),
    end: "That is everybody.",
  });
}

async function add() {
  const person = await ask("A new person", newPersonFields(await groupChoices()), "Add", (values) =>
    post("/api/v1/persons", personBody(values)),
  );
  if (person) location.assign(`/people/${person.id}`);
}

let typing;
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(list, TYPING_MS);
});
if (may("persons.manage"))
  find("#tools").append(button("New person", () => add().catch(failed), { picture: "plus", tone: "primary" }));
const asked = new URLSearchParams(location.search);
try {
  const choices = await groupChoices();
  names = new Map(choices);
  for (const [value, words] of choices) form.elements.group.append(h("option", { value }, words));
} catch (error) {
  failed(error);
}
for (const name of ["name", "group", "valid", "templates"]) form.elements[name].value = asked.get(name) || "";
list();
