// One message of a conversation: who says what, what it said before, and what its author can do with it.

import { get, patch, remove } from "./api.js";
import { badge, button, h } from "./dom.js";
import { ask, confirm, open } from "./dialog.js";
import { time } from "./time.js";
import { failed, toast } from "./toast.js";
import { plain } from "./words.js";

const MOST_CHARS = 4000;
const me = document.body.dataset.account;

// `people` are those who may see the conversation; `again()` is called after a change.
export function messageItem(message, { people, held, again }) {
  const mine = message.author === me;
  const body =
    message.text === null ? h("p", { class: "quiet" }, "Taken back.") : h("p", { class: "words" }, marked(message, people));
  return h(
    "li",
    { class: `message ${mine ? "mine" : ""}`, data: { id: message.id } },
    h(
      "p",
      { class: "line small" },
      h("strong", {}, message.author_name || "Somebody who is gone"),
      h("span", { class: "quiet" }, time(message.at)),
      message.edited_at && message.text !== null && earlier(message),
    ),
    body,
    message.events.length > 0 &&
      h(
        "ul",
        { class: "attached" },
        message.events.map((event) => attached(event)),
      ),
    mine &&
      message.text !== null &&
      h(
        "div",
        { class: "line" },
        button("Change", () => change(message, again).catch(failed), { tone: "plain" }),
        !held && button("Take back", () => takeBack(message, again).catch(failed), { tone: "plain" }),
      ),
  );
}

// The text with names of those it mentions set off. It stays text: parts of it become elements, never markup.
function marked({ text, mentions }, people) {
  const names = people.filter((one) => mentions.includes(one.id)).map((one) => `@${one.name}`);
  const parts = [];
  let rest = text;
  while (rest) {
    const found = names.map((name) => [rest.indexOf(name), name]).filter(([at]) => at >= 0);
    if (!found.length) break;
    const [at, name] = found.sort((a, b) => a[0] - b[0] || b[1].length - a[1].length)[0];
    parts.push(rest.slice(0, at), h("span", { class: "mention" }, name));
    rest = rest.slice(at + name.length);
  }
  return [...parts, rest];
}

function attached(event) {
  const place = h("li", {}, h("a", { href: `/visits/${event}` }, "A visit"));
  get(`/api/v1/events/${event}`).then(
    (found) =>
      place.replaceChildren(
        h("a", { href: `/visits/${event}` }, found.person?.name || plain(found.kind)),
        " ",
        time(found.at),
      ),
    () => place.append(h("span", { class: "quiet" }, " (not there any more)")),
  );
  return place;
}

function earlier(message) {
  return button("changed", () => history(message).catch(failed), {
    tone: "plain small",
    "aria-label": "What it said before",
  });
}

async function history(message) {
  const { items } = await get(`/api/v1/messages/${message.id}/history`);
  await open("What it said before", (close) =>
    h(
      "div",
      { class: "stack" },
      items.map((item) =>
        h("div", {}, h("p", { class: "quiet small" }, "until ", time(item.until)), h("p", { class: "words" }, item.text)),
      ),
      h("div", {}, badge("Now", "accent"), h("p", { class: "words" }, message.text)),
      h("div", { class: "line" }, button("Close", () => close(), { tone: "primary" })),
    ),
  );
}

async function change(message, again) {
  const fields = [{ name: "text", label: "Text", type: "textarea", max: MOST_CHARS, required: true, value: message.text }];
  const intro = "What it said before stays to be seen.";
  const save = (values) => patch(`/api/v1/messages/${message.id}`, { text: values.text });
  if (await ask("Change the message", fields, "Save", save, { intro })) again();
}

async function takeBack(message, again) {
  const words = "Its text and what it said before are removed for good. That something was said stays.";
  if (!(await confirm("Take the message back?", words, "Take it back"))) return;
  await remove(`/api/v1/messages/${message.id}`);
  toast("Taken back.");
  again();
}
