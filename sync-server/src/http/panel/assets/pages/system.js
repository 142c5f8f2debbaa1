// How the server and its parts are, and what went wrong.

import "../core/shell.js";
import { get, post, query } from "../core/api.js";
import { button, facts, find, h } from "../core/dom.js";
import { empty, paged, rows, shown } from "../core/list.js";
import { time } from "../core/time.js";
import { during, toast } from "../core/toast.js";
import { may, plain, state } from "../core/words.js";

const PAGE = 30;

function health() {
  return shown(
    find("#health"),
    () => get("/api/v1/health"),
    (found) => [
      h(
        "p",
        { class: "line" },
        state(found.status),
        h("span", { class: "quiet" }, `Version ${found.version}, looked at `, time(found.now)),
      ),
      h(
        "div",
        { class: "grid" },
        found.parts.map((part) =>
          h(
            "article",
            { class: "panel" },
            h("div", { class: "panel-head" }, h("h2", {}, plain(part.part)), state(part.status)),
            facts([
              ["Since", time(part.since)],
              ["Cause", part.cause],
              ["What to do", part.advice],
              ["Essential", part.essential ? "yes" : null],
            ]),
          ),
        ),
      ),
    ],
  );
}

function errors() {
  const list = paged(find("#errors"), {
    load: (before) => get(`/api/v1/errors${query({ limit: PAGE, before, resolved: false })}`),
    begin: rows("Errors", ["What", "Where", "Times", "Last", ""], (error) => [
      h("details", {}, h("summary", {}, error.message), h("pre", { class: "small" }, error.stack || error.template)),
      h("code", {}, error.target),
      String(error.count),
      time(error.last_at, "ago"),
      may("health.manage") &&
        button(
          "Dealt with",
          (event) =>
            during(event.currentTarget, async () => {
              await post(`/api/v1/errors/${error.fingerprint}/resolve`);
              toast("Noted; it comes back if it happens again.");
              list.reload();
            }),
          { tone: "plain", picture: "check" },
        ),
    ]),
    none: () => empty("No error is open."),
    end: "Those are all.",
  });
}

find("#tools").append(button("Look again", health));
health();
errors();
