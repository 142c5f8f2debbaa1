// One job: how far it is, what became of each item, and what can be done about it.

import "../core/shell.js";
import { get, post, query } from "../core/api.js";
import { badge, button, facts, find, h } from "../core/dom.js";
import { confirm } from "../core/dialog.js";
import { progress, standing } from "../core/jobs.js";
import { empty, paged, rows, shown } from "../core/list.js";
import { idOfPage } from "../core/page.js";
import { time } from "../core/time.js";
import { during, toast } from "../core/toast.js";
import { may, plain, tone } from "../core/words.js";

const path = `/api/v1/jobs/${idOfPage()}`;
const PAGE = 100;
const REFRESH_MS = 2000;
const OVER = ["done", "cancelled"];

let items = null;

function act(words, verb, done, { sure } = {}) {
  return button(
    words,
    async (event) => {
      const pressed = event.currentTarget;
      if (sure && !(await confirm(`${words}?`, sure, words))) return;
      await during(pressed, async () => {
        await post(`${path}/${verb}`, verb === "retry" ? {} : undefined);
        toast(done);
      });
      view();
      items.reload();
    },
    { tone: sure ? "danger" : "" },
  );
}

function view() {
  return shown(
    find("#job"),
    () => get(path),
    (job) => {
      find("h1").textContent = plain(job.kind);
      const tools = [];
      if (may("jobs.manage")) {
        if (job.state === "ready") tools.push(act("Pause", "pause", "Paused."));
        if (job.state === "paused") tools.push(act("Go on", "resume", "It goes on."));
        if (job.dead) tools.push(act("Try the failed ones again", "retry", "They are tried again."));
        if (!OVER.includes(job.state))
          tools.push(
            act("Cancel", "cancel", "Cancelled.", { sure: "What is done stays done; the rest is not begun." }),
          );
      }
      find("#tools").replaceChildren(...tools);
      if (!OVER.includes(job.state))
        setTimeout(() => {
          if (!document.querySelector("dialog")) view();
        }, REFRESH_MS);
      return h(
        "section",
        { class: "panel" },
        progress(job),
        facts([
          ["State", standing(job)],
          ["Step", job.step && plain(job.step)],
          ["For", job.person && h("a", { href: `/people/${job.person}` }, "a person")],
          ["Begun", time(job.began_at || job.created_at)],
          ["Ended", time(job.ended_at)],
          ["Kept until", time(job.kept_until)],
        ]),
      );
    },
  );
}

function outcome(item) {
  if (item.reason) return item.reason;
  if (!item.outcome) return "";
  return typeof item.outcome === "string"
    ? item.outcome
    : Object.entries(item.outcome)
        .map(([name, value]) => `${plain(name)}: ${typeof value === "object" ? JSON.stringify(value) : value}`)
        .join("; ");
}

items = paged(find("#items"), {
  load: (after) => get(`${path}/items${query({ limit: PAGE, after })}`),
  begin: rows("Items", ["No.", "What", "State", "What became of it", "Person"], (item) => [
    String(item.n),
    item.label || "",
    badge(plain(item.state), tone(item.state)),
    h("span", { class: "wrap" }, outcome(item)),
    item.person && h("a", { href: `/people/${item.person}` }, "Person"),
  ]),
  none: () => empty("There are no items."),
});
view();
