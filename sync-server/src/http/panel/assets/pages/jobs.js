// Work in the background: what is under way, and what became of it.

import "../core/shell.js";
import { get, query } from "../core/api.js";
import { find, h, icon } from "../core/dom.js";
import { progress, standing } from "../core/jobs.js";
import { empty, paged, rows } from "../core/list.js";
import { time } from "../core/time.js";
import { may, plain } from "../core/words.js";

const PAGE = 40;
const REFRESH_MS = 5000;

const list = paged(find("#list"), {
  load: (before) => get(`/api/v1/jobs${query({ limit: PAGE, before })}`),
  begin: rows("Jobs", ["What", "State", "Progress", "Begun"], (job) => [
    h("a", { href: `/jobs/${job.id}` }, plain(job.kind)),
    standing(job),
    progress(job),
    time(job.created_at, "ago"),
  ]),
  none: () => empty("There are no jobs. Imports and large uploads run as jobs."),
});
if (may("persons.manage"))
  find("#tools").append(h("a", { class: "button primary", href: "/import" }, icon("plus"), "Import"));
if (may("persons.export"))
  find("#tools").append(
    h(
      "a",
      { class: "button", href: "/api/v1/exports/persons?format=csv", download: "persons.csv" },
      icon("download"),
      "Export persons",
    ),
  );
setInterval(() => {
  if (
    !document.hidden &&
    find("#list").querySelector("progress:not([value='1'])") &&
    !find("#list").contains(document.activeElement)
  )
    list.reload();
}, REFRESH_MS);
