// Who did what: lines of the audit log, by filters, with what a change was and became.

import "../core/shell.js";
import { ask, get, query } from "../core/api.js";
import { badge, button, find, h } from "../core/dom.js";
import { save } from "../core/csv.js";
import { empty, paged, rows } from "../core/list.js";
import { fromField, time } from "../core/time.js";
import { during, toast } from "../core/toast.js";

const PAGE = 100;
const form = find("#filters");

function wanted() {
  const { actor, action, target, result, from, until } = form.elements;
  return {
    actor: actor.value.trim(),
    action: action.value.trim(),
    target: target.value.trim(),
    result: result.value,
    from: fromField(from.value),
    until: fromField(until.value),
  };
}

// What differs, name by name.
function change(line) {
  const [was, became] = [line.before || {}, line.after || {}];
  const names = [...new Set([...Object.keys(was), ...Object.keys(became)])].filter(
    (name) => JSON.stringify(was[name]) !== JSON.stringify(became[name]),
  );
  if (!names.length) return line.detail;
  const text = (value) => (value === undefined ? "–" : JSON.stringify(value));
  return h(
    "details",
    {},
    h("summary", {}, line.detail || names.join(", ")),
    h(
      "div",
      { class: "change" },
      names.map((name) =>
        h("span", {}, `${name}: `, h("del", {}, text(was[name])), " → ", h("ins", {}, text(became[name]))),
      ),
    ),
  );
}

function list() {
  const filters = wanted();
  history.replaceState(null, "", `/audit${query({ ...filters })}`);
  const by = (name, value) => h("a", { href: `/audit${query({ [name]: value })}` }, value);
  paged(find("#list"), {
    load: (cursor) => get(`/api/v1/audit${query({ ...filters, limit: PAGE, cursor })}`),
    begin: rows("Lines of the audit log", ["When", "Who", "Action", "What", "Result", "Detail", "From"], (line) => [
      time(line.at),
      h("span", { class: "wrap small" }, by("actor", line.actor)),
      by("action", line.action),
      h("span", { class: "wrap small" }, line.target),
      line.result === "ok" ? badge("Done", "good") : badge("Refused", "bad"),
      h("span", { class: "wrap small" }, change(line)),
      h("span", { class: "small" }, line.source),
    ]),
    none: () => empty("No line fits."),
  });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  list();
});
find("#tools").append(
  button(
    "Save the whole log",
    (event) =>
      during(event.currentTarget, async () => {
        const blob = await ask("GET", "/api/v1/audit/export", undefined, { as: "blob" });
        save("audit.jsonl", blob, "application/jsonl");
        toast("The file ends with the signed head: it can be verified without this server.");
      }),
    { picture: "download" },
  ),
);
const asked = new URLSearchParams(location.search);
for (const name of ["actor", "action", "target", "result"]) form.elements[name].value = asked.get(name) || "";
list();
