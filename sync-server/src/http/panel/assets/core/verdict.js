// Judging visits: right, or what is wrong with them.

import { get, post, query } from "./api.js";
import { button, h } from "./dom.js";
import { ask } from "./dialog.js";
import { plain } from "./words.js";

// What can be said of each kind of visit: the word, the words, the key.
const CHOICES = {
  match: [
    ["right", "Right", "r"],
    ["wrong_person", "Somebody else", "w"],
    ["not_a_face", "No face", "n"],
    ["spoof", "A fraud", "s"],
  ],
  unknown: [
    ["right", "Right, a stranger", "r"],
    ["known_as", "Somebody known", "k"],
    ["not_a_face", "No face", "n"],
    ["spoof", "A fraud", "s"],
  ],
  spoof_suspected: [
    ["right", "Right, a fraud", "r"],
    ["live", "A living face", "l"],
    ["not_a_face", "No face", "n"],
  ],
  unusable: [
    ["right", "Right", "r"],
    ["known_as", "Somebody known", "k"],
    ["not_a_face", "No face", "n"],
  ],
};

export const choices = (event) => CHOICES[event.kind] || [];

// Buttons for a visit; `done` is called with what was said.
export function verdictButtons(event, done) {
  const make = ([word, words, key]) =>
    button(`${words} (${key})`, () => judge(event, word).then((said) => said && done(said)), { data: { key } });
  return h("div", { class: "line" }, choices(event).map(make));
}

// Who it was is asked where it matters; nothing is said if that is left.
export async function judge(event, verdict) {
  const asksWho = verdict === "known_as" || verdict === "wrong_person";
  const person = asksWho ? await whom(verdict === "known_as") : undefined;
  if (asksWho && person === undefined) return null;
  return post(`/api/v1/events/${event.id}/verdict`, { verdict, ...(person ? { person } : {}) });
}

export const saidWords = (said) => plain(said.verdict);

// Finds a person by name; `null` if it is not known who.
async function whom(required) {
  let found = [];
  const list = h(
    "select",
    { name: "person", id: "whom-person", required },
    h("option", { value: "" }, required ? "Choose" : "not known who"),
  );
  const name = h("input", {
    type: "search",
    id: "whom-name",
    autocomplete: "off",
    oninput: async () => {
      const wanted = name.value;
      found = wanted ? (await get(`/api/v1/persons${query({ name: wanted, limit: 20 })}`)).items : [];
      if (wanted === name.value)
        list.replaceChildren(list.firstChild, ...found.map((person) => h("option", { value: person.id }, person.name)));
    },
  });
  const fields = [
    h("div", { class: "row" }, h("label", { for: "whom-name" }, "Find by name"), name),
    h("div", { class: "row" }, h("label", { for: "whom-person" }, "Who it was"), list),
  ];
  const answer = await ask("Who was it?", fields, "Say so", async () => ({ person: list.value || null }));
  return answer?.person;
}
