// Judging visits: right, or what is wrong with them.

import { get, post, remove } from "./api.js";
import { badge, button, h } from "./dom.js";
import { personChoice } from "./choose.js";
import { ask } from "./dialog.js";
import { shown } from "./list.js";
import { time } from "./time.js";
import { during, failed, toast } from "./toast.js";
import { may, plain } from "./words.js";

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
    button(`${words} (${key})`, () => judge(event, word).then((said) => said && done(said), failed), { data: { key } });
  return h("div", { class: "line" }, choices(event).map(make));
}

// Who it was is asked where it matters; nothing is said if that is left.
export async function judge(event, verdict) {
  const asksWho = verdict === "known_as" || verdict === "wrong_person";
  const person = asksWho ? await whom(verdict === "known_as") : undefined;
  if (asksWho && person === undefined) return null;
  return post(`/api/v1/events/${event.id}/verdict`, { verdict, ...(person ? { person } : {}) });
}

// Letters do what the buttons say, as long as nobody writes and the place is to be seen.
export function byKeyboard(place) {
  document.addEventListener("keydown", (event) => {
    const elsewhere = event.ctrlKey || event.metaKey || event.altKey;
    if (elsewhere || place.closest("[hidden]") || event.target.closest("input, select, textarea, dialog")) return;
    place.querySelector(`button[data-key="${CSS.escape(event.key)}"]`)?.click();
  });
}

// The judgement of a visit as a part of its page: what stands, another word, and what was said before.
export function verdictPart(event) {
  const place = h("div", { class: "stack" });
  const path = `/api/v1/events/${event.id}/verdict`;
  const view = () => shown(place, () => get(path), parts);
  const parts = ({ standing, history }) => [
    standing
      ? h("p", { class: "line" }, badge(saidWords(standing), "accent"), h("span", { class: "quiet" }, time(standing.judged_at)))
      : h("p", { class: "quiet" }, "Nobody has judged this visit."),
    may("events.judge") && verdictButtons(event, done),
    may("events.judge") &&
      standing &&
      h(
        "div",
        {},
        button("Withdraw", (pressed) =>
          during(pressed.currentTarget, async () => {
            await remove(path);
            toast("Withdrawn.");
            view();
          }),
        ),
      ),
    may("events.judge") && h("p", { class: "hint" }, "By keyboard: the letter in brackets."),
    history.length > 1 && before(history),
  ];
  const done = (said) => {
    toast(`Noted: ${saidWords(said)}.`, { action: ["Take back", () => remove(path).then(view, failed)] });
    view();
  };
  view();
  byKeyboard(place);
  return place;
}

function before(history) {
  const line = (said) => h("li", {}, saidWords(said), " ", time(said.judged_at), said.withdrawn_at && " (withdrawn)");
  return h("details", {}, h("summary", {}, "What was said before"), h("ul", { class: "stack tight" }, history.map(line)));
}

export const saidWords = (said) => plain(said.verdict);

// Finds a person by name; `null` if it is not known who.
async function whom(required) {
  const fields = personChoice("person", { label: "Who it was", none: required ? "Choose" : "not known who", required });
  const answer = await ask("Who was it?", fields, "Say so", async (values) => ({ person: values.person || null }));
  return answer?.person;
}
