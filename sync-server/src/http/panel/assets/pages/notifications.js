// The notification centre: what one was told of, and what one wants of messages.

import "../core/shell.js";
import { get, post, put, query } from "../core/api.js";
import { button, find, h } from "../core/dom.js";
import { formOf } from "../core/form.js";
import { hours } from "../core/hours.js";
import { cards, empty, paged, shown } from "../core/list.js";
import { KINDS, noticeItem } from "../core/notice.js";
import { tabs } from "../core/page.js";
import { places } from "../core/places.js";
import { pushPart } from "../core/push.js";
import { during, failed, toast } from "../core/toast.js";

const PAGE = 40;
const filters = find("#filters");
let list = null;

async function told() {
  const names = await places();
  const show = () => {
    list = paged(find("#list"), {
      load: async (before) => {
        const { items, next } = await get(
          `/api/v1/notifications${query({ limit: PAGE, before, unread: filters.elements.unread.checked || null })}`,
        );
        return { items, next };
      },
      begin: cards("notices", (notice) => noticeItem(notice, names, (one) => read(one).catch(failed))),
      none: () => empty(filters.elements.unread.checked ? "Nothing is new." : "You were told of nothing yet."),
      end: "Those are all that are kept.",
    });
  };
  filters.addEventListener("change", show);
  // What comes while one looks is shown, unless somebody is about to press something.
  document.addEventListener("unread", () => {
    if (!find("#list").contains(document.activeElement)) list.reload();
  });
  show();
}

async function read(notice) {
  await post(`/api/v1/notifications/${notice.id}/read`);
  await list.reload();
}

function all() {
  find("#tools").append(
    button("Mark all as read", (event) =>
      during(event.currentTarget, async () => {
        const { marked } = await post("/api/v1/notifications/read");
        toast(marked ? `${marked} marked as read.` : "Everything was read already.");
        await list?.reload();
      }),
    ),
  );
}

function wishes() {
  shown(
    find("#wishes"),
    () => get("/api/v1/me/notification-preferences"),
    (found) => {
      const quiet = hours("Quiet hours: messages wait, and are here meanwhile", found.quiet, found.time_zone);
      const fields = [
        { name: "email", label: "Send me messages by e-mail", type: "check", value: found.email },
        { name: "push", label: "Send messages to my browsers", type: "check", value: found.push },
        {
          name: "muted",
          label: "No messages of these kinds",
          type: "checks",
          choices: [...KINDS, ["mention", "You were mentioned"]],
          value: found.muted,
        },
        quiet.element,
      ];
      const mail = h(
        "section",
        { class: "panel" },
        h("h2", {}, "What leaves the house"),
        h("p", { class: "quiet" }, "Here you are told of everything, whatever you choose."),
        formOf(fields, "Save", async (values) => {
          const body = { ...values, muted_rules: found.muted_rules, ...quiet.read("quiet") };
          await put("/api/v1/me/notification-preferences", body, { etag: found.etag });
          toast("Saved.");
          wishes();
        }),
      );
      return h("div", { class: "grid" }, mail, pushPart());
    },
  );
}

all();
tabs(find("[role=tablist]"), { told: () => told().catch(failed), wishes });
