// One notification: what it is, everything gathered in it, and, for who manages rules, what was sent of it.

import "../core/shell.js";
import { get, post, query } from "../core/api.js";
import { facts, find, h } from "../core/dom.js";
import { deliveryRows } from "../core/deliveries.js";
import { cards, empty, paged, shown } from "../core/list.js";
import { kindWords, whereWords } from "../core/notice.js";
import { idOfPage } from "../core/page.js";
import { places } from "../core/places.js";
import { time } from "../core/time.js";
import { card } from "../core/visits.js";
import { may } from "../core/words.js";

const PAGE = 30;
const path = `/api/v1/notifications/${idOfPage()}`;

async function view(notice) {
  document.title = `${notice.title} · ${document.title.split(" · ").pop()}`;
  find("h1").textContent = notice.title;
  if (notice.unread) await post(`${path}/read`);
  const names = await places();
  const link = (href, words) => h("a", { href }, words);
  const gathered = h("div", {});
  if (notice.first_event) events(gathered, names);
  const sent = h("div", {});
  if (may("notifications.manage")) deliveries(sent, notice.id);
  return h(
    "div",
    { class: "grid" },
    h(
      "section",
      { class: "panel" },
      h("h2", {}, "What it is"),
      facts([
        ["What", kindWords(notice.what)],
        ["Where", whereWords(notice, names)],
        ["More", notice.words],
        ["How often", String(notice.count)],
        ["First", time(notice.opened_at)],
        ["Last", time(notice.last_at)],
        ["By the rule", notice.rule_name],
        ["Device", notice.device && link(`/devices/${notice.device}`, names.device(notice.device))],
        ["Person", notice.person && may("persons.read") && link(`/people/${notice.person}`, "Who it is about")],
        ["Conversation", notice.thread && link(`/conversations/${notice.thread}`, "Read it")],
        ["State", notice.is_open ? "More of it is still gathered here" : "Closed"],
      ]),
    ),
    notice.first_event && h("section", { class: "panel wide" }, h("h2", {}, "Visits gathered in it"), gathered),
    may("notifications.manage") && h("section", { class: "panel wide" }, h("h2", {}, "What was sent of it"), sent),
  );
}

function events(place, names) {
  paged(place, {
    load: async (after) => {
      const { items, next } = await get(`${path}/events${query({ limit: PAGE, after })}`);
      const found = items.map(({ id }) => get(`/api/v1/events/${id}`).catch(() => null));
      return { items: (await Promise.all(found)).filter(Boolean), next };
    },
    begin: cards("wall", (event) => card(event, names, { how: "short" })),
    none: () => empty("The visits are no longer kept."),
  });
}

function deliveries(place, notification) {
  const list = paged(place, {
    load: (before) => get(`/api/v1/deliveries${query({ notification, limit: PAGE, before })}`),
    begin: deliveryRows(() => list.reload()),
    none: () => empty("Nothing was sent: the rule tells here alone."),
  });
}

shown(find("#notification"), () => get(path), view);
