// Conversations: all one may see, one's own, those where it is one's turn; and finding what was said.

import "../core/shell.js";
import { get, query } from "../core/api.js";
import { badge, find, h } from "../core/dom.js";
import { cards, empty, paged, shown } from "../core/list.js";
import { places } from "../core/places.js";
import { time } from "../core/time.js";
import { title } from "../core/titles.js";
import { newBadge } from "../core/unread.js";

const PAGE = 40;
const MOST_FOUND = 50;
const form = find("#filters");
const asked = new URLSearchParams(location.search);
let names = null;

function card(thread) {
  return h(
    "a",
    { class: "person-card", href: `/conversations/${thread.id}` },
    h("span", { class: "line" }, h("span", { class: "name" }, title(thread, names)), newBadge(thread.unread)),
    h(
      "span",
      { class: "line small" },
      badge(thread.state === "open" ? "Open" : "Resolved", thread.state === "open" ? "accent" : "good"),
      thread.assignee === document.body.dataset.account && badge("Your turn", "look"),
      thread.held && badge("Held"),
    ),
    h(
      "span",
      { class: "small quiet" },
      `${thread.messages} ${thread.messages === 1 ? "message" : "messages"}, last `,
      time(thread.last_at, "ago"),
    ),
  );
}

function found(message) {
  return h(
    "a",
    { class: "person-card", href: `/conversations/${message.thread}` },
    h("span", { class: "words" }, message.text),
    h("span", { class: "small quiet" }, message.author_name || "somebody who is gone", ", ", time(message.at)),
  );
}

function show() {
  const { which, state, q } = form.elements;
  const words = q.value.trim();
  history.replaceState(null, "", `/conversations${query({ which: which.value, state: state.value, q: words })}`);
  if (words.length >= 2) {
    shown(
      find("#list"),
      () => get(`/api/v1/threads/search${query({ q: words, limit: MOST_FOUND })}`),
      ({ items }) =>
        items.length ? cards("people", found)(items).element : empty("Nobody said that where you may listen."),
    );
    return;
  }
  const mine = { mine: which.value === "mine" || null, assigned: which.value === "assigned" || null };
  paged(find("#list"), {
    load: (cursor) => get(`/api/v1/threads${query({ ...mine, state: state.value, limit: PAGE, cursor })}`),
    begin: cards("people", card),
    none: () => empty("There are none. A conversation begins on the page of a visit, a person, a door or a visitor."),
    end: "Those are all.",
  });
}

names = await places();
for (const name of ["which", "state", "q"]) if (asked.has(name)) form.elements[name].value = asked.get(name);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  show();
});
form.addEventListener("change", show);
show();
