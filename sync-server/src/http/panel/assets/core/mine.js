// What one did oneself: verdicts and searches, for oneself alone.

import { get, query, remove } from "./api.js";
import { badge, button, h } from "./dom.js";
import { confirm } from "./dialog.js";
import { empty, paged, rows } from "./list.js";
import { places } from "./places.js";
import { time } from "./time.js";
import { failed, toast } from "./toast.js";
import { kind, plain } from "./words.js";

const PAGE = 20;

export async function verdicts(place) {
  const names = await places();
  paged(place, {
    load: (before) => get(`/api/v1/me/verdicts${query({ limit: PAGE, before })}`),
    begin: rows("My verdicts", ["Visit", "Door", "I said", "When"], (one) => [
      h("a", { href: `/visits/${one.event}`, class: "line" }, kind(one.kind), time(one.at)),
      names.door(one.door),
      h("span", { class: "line" }, badge(plain(one.verdict), "accent"), one.withdrawn_at && badge("Withdrawn")),
      time(one.judged_at, "ago"),
    ]),
    none: () => empty("You have judged no visit yet."),
    end: "Those are all.",
  });
}

export function searches(place) {
  const list = h("div", {});
  const show = () =>
    paged(list, {
      load: (before) => get(`/api/v1/me/searches${query({ limit: PAGE, before })}`),
      begin: rows("My searches", ["For", "Found", "When"], (one) => [
        one.kind === "talk"
          ? h("a", { href: `/conversations${query({ q: one.words })}` }, one.words)
          : h("span", {}, "A face: ", one.words),
        String(one.found),
        time(one.at, "ago"),
      ]),
      none: () => empty("You have looked for nothing yet."),
      end: "Those are all that are kept.",
    });
  const forget = async () => {
    if (!(await confirm("Forget what you looked for?", "Nobody else sees the list.", "Forget it"))) return;
    await remove("/api/v1/me/searches");
    toast("Forgotten.");
    show();
  };
  place.replaceChildren(list, h("div", {}, button("Forget them", () => forget().catch(failed))));
  show();
}
