// Writing a message: names after an @ are offered, visits can be attached.

import { get, post } from "./api.js";
import { button, h } from "./dom.js";
import { open } from "./dialog.js";
import { field, submits } from "./form.js";
import { places } from "./places.js";
import { time } from "./time.js";
import { failed } from "./toast.js";
import { who } from "./words.js";

const MOST_CHARS = 4000;
const OFFERED = 6;
const RECENT = 20;

// The form below a conversation. `said(message)` is called once the message stands.
export function composer(thread, people, said) {
  const events = new Map();
  const row = field({
    name: "text",
    label: "Say something",
    type: "textarea",
    max: MOST_CHARS,
    required: true,
    hint: "An @ and a name tells that person. Names and pictures of visitors do not belong here.",
  });
  const area = row.querySelector("textarea");
  const offers = h("div", { class: "line", role: "group", "aria-label": "Who is meant" });
  const list = h("ul", { class: "attached" });
  const form = h(
    "form",
    { class: "stack composer", novalidate: true },
    row,
    offers,
    list,
    h("p", { class: "form-error", role: "alert" }),
    h(
      "div",
      { class: "line" },
      h("button", { class: "primary" }, "Send"),
      button("Attach a visit", () => attach(events, showEvents).catch(failed), { picture: "plus" }),
    ),
  );
  const showEvents = () =>
    list.replaceChildren(
      ...[...events].map(([id, words]) =>
        h(
          "li",
          { class: "line" },
          words,
          button("Take off", () => events.delete(id) && showEvents(), { tone: "plain" }),
        ),
      ),
    );
  area.addEventListener("input", () => offer(area, offers, people));
  area.addEventListener("keydown", (event) => {
    const first = offers.querySelector("button");
    if (event.key === "ArrowDown" && first) {
      event.preventDefault();
      first.focus();
    }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  submits(form, async ({ text }) => {
    const body = { text, mentions: named(text, people), events: [...events.keys()] };
    const message = await post(`/api/v1/threads/${thread.id}/messages`, body);
    area.value = "";
    events.clear();
    showEvents();
    said(message);
  });
  return form;
}

// Whom a text names: the longest names first, so that “@Ann Lee” does not tell “Ann”.
function named(text, people) {
  let rest = text;
  const found = [];
  for (const one of [...people].sort((a, b) => b.name.length - a.name.length)) {
    const mark = `@${one.name}`;
    if (!one.name || !rest.includes(mark)) continue;
    rest = rest.replaceAll(mark, "");
    found.push(one.id);
  }
  return found;
}

// Offers names that go on as what stands behind the last @ before the caret.
function offer(area, offers, people) {
  const before = area.value.slice(0, area.selectionStart);
  const begun = before.match(/@([^@\n]{0,40})$/);
  const word = begun?.[1].toLowerCase();
  const fits = begun ? people.filter((one) => one.name.toLowerCase().startsWith(word)).slice(0, OFFERED) : [];
  offers.replaceChildren(
    ...fits.map((one) =>
      button(one.name, () => {
        const start = before.length - begun[0].length;
        const after = area.value.slice(before.length);
        area.value = `${area.value.slice(0, start)}@${one.name} ${after}`;
        area.focus();
        offers.replaceChildren();
      }),
    ),
  );
}

async function attach(events, show) {
  const [{ items }, names] = await Promise.all([get(`/api/v1/events?limit=${RECENT}`), places()]);
  const words = (event) => [who(event), ", ", names.door(event.door), ", ", time(event.at)];
  await open("Attach a visit", (close) =>
    h(
      "div",
      { class: "stack" },
      h("p", { class: "quiet" }, items.length ? "The latest visits." : "There are no visits."),
      h(
        "ul",
        { class: "stack" },
        items.map((event) =>
          h(
            "li",
            {},
            button(words(event), () => {
              events.set(event.id, words(event));
              show();
              close();
            }),
          ),
        ),
      ),
      h("div", { class: "line" }, button("Leave it", () => close())),
    ),
  );
}
