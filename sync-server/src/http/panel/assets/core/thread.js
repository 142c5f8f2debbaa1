// The conversation about something, as a part of a page: what was said, whose turn it is, and a form to say more.

import { Problem, get, patch, post, query } from "./api.js";
import { badge, button, h } from "./dom.js";
import { composer } from "./composer.js";
import { ask } from "./dialog.js";
import { empty, shown } from "./list.js";
import { messageItem } from "./message.js";
import { during, failed, toast } from "./toast.js";
import { may } from "./words.js";

const PAGE = 50;
const LOOK_MS = 8000;

// A section about a subject (`event`, `person`, `door`, `unknown`), which is begun when somebody wants to say something.
export function threadPart(kind, subject) {
  const place = h("div", { class: "stack" });
  const part = h("section", { class: "panel wide thread" }, h("h2", {}, "Conversation"), place);
  const load = async () => (await get(`/api/v1/threads${query({ about: kind, subject, limit: 1 })}`)).items[0] ?? null;
  const view = () => shown(place, load, (thread) => (thread ? opened(thread) : begin()));
  const begin = () => [
    empty("Nobody has said anything about this yet."),
    may("events.judge") &&
      h(
        "div",
        {},
        button("Begin a conversation", (event) =>
          during(event.currentTarget, async () => {
            await post("/api/v1/threads", { [kind]: subject });
            await view();
            place.querySelector("textarea")?.focus();
          }),
        ),
      ),
  ];
  const opened = (thread) => {
    const inner = h("div", { class: "stack" });
    threadView(inner, thread.id);
    return inner;
  };
  view();
  return part;
}

// A conversation in a place, kept up to date while it is looked at.
export function threadView(place, id, onthread) {
  const path = `/api/v1/threads/${id}`;
  let seen = null;
  const load = () => Promise.all([get(path), get(`${path}/messages?limit=${PAGE}`), get(`${path}/people`)]);
  const view = () =>
    shown(place, load, ([thread, messages, people]) => {
      seen = `${thread.version}/${thread.messages}/${thread.last_at}`;
      onthread?.(thread);
      markRead(path, thread, messages.items);
      return [
        head(thread, people.items, view),
        list(path, thread, messages, people.items, view),
        may("events.judge") && composer(thread, people.items, view),
      ];
    });
  const timer = setInterval(async () => {
    if (!place.isConnected) clearInterval(timer);
    else if (!document.hidden && seen && !isBusy(place)) {
      const thread = await get(path).catch(() => null);
      if (thread && seen !== `${thread.version}/${thread.messages}/${thread.last_at}` && !isBusy(place)) view();
    }
  }, LOOK_MS);
  return view();
}

// Nothing moves under somebody who writes.
function isBusy(place) {
  return place.contains(document.activeElement) || Boolean(place.querySelector("textarea")?.value);
}

function markRead(path, thread, items) {
  if (!thread.unread || !items.length) return;
  post(`${path}/read`, { message: items[0].id }).catch((error) => {
    if (!(error instanceof Problem)) throw error;
  });
}

function head(thread, people, again) {
  const turn = people.find((one) => one.id === thread.assignee);
  const change = (body, words) => (event) =>
    during(event.currentTarget, async () => {
      await patch(`/api/v1/threads/${thread.id}`, body);
      toast(words);
      again();
    });
  const resolved = thread.state === "resolved";
  return h(
    "div",
    { class: "line spread" },
    h(
      "span",
      { class: "line" },
      badge(resolved ? "Resolved" : "Open", resolved ? "good" : "accent"),
      thread.assignee && badge(`It is the turn of ${turn?.name || "somebody who may not see it any more"}`),
      thread.held && badge("Held: nothing of it is removed", "look"),
    ),
    may("events.judge") &&
      h(
        "span",
        { class: "line" },
        button(
          resolved ? "Open again" : "Resolve",
          change({ state: resolved ? "open" : "resolved" }, resolved ? "Open again." : "Resolved."),
        ),
        button("Hand over", () => handOver(thread, people, again).catch(failed)),
        may("settings.manage") &&
          button(
            thread.held ? "Hold no more" : "Hold",
            change({ held: !thread.held }, thread.held ? "It goes when its time is over." : "It is kept."),
          ),
      ),
  );
}

async function handOver(thread, people, again) {
  const choices = [["", "nobody"], ...people.map((one) => [one.id, one.name])];
  const fields = [{ name: "assignee", label: "Whose turn it is", type: "select", choices, value: thread.assignee || "" }];
  const save = (values) => patch(`/api/v1/threads/${thread.id}`, { assignee: values.assignee || null });
  if (await ask("Hand it over", fields, "Hand over", save)) again();
}

function list(path, thread, { items, next }, people, again) {
  const item = (message) => messageItem(message, { people, held: thread.held, again });
  const all = h("ol", { class: "messages", "aria-label": "Messages, the oldest first" }, [...items].reverse().map(item));
  if (!items.length) return h("p", { class: "quiet" }, "Nobody has said anything yet.");
  const older = async (before) => {
    const page = await get(`${path}/messages${query({ limit: PAGE, before })}`);
    all.prepend(...[...page.items].reverse().map(item));
    return page.next;
  };
  return [more(next, older), all];
}

// A button for what was said before, as long as there is more.
function more(next, older) {
  if (!next) return null;
  let from = next;
  const pressed = button("Earlier messages", (event) =>
    during(event.currentTarget, async () => {
      from = await older(from);
      if (!from) pressed.remove();
    }),
  );
  return h("div", { class: "state small-state" }, pressed);
}
