// Two persons who are one, one who is two, and what was done to a person: each merge and split can be undone for a while.

import { get, post, query } from "./api.js";
import { badge, button, h } from "./dom.js";
import { personChoice } from "./choose.js";
import { ask } from "./dialog.js";
import { empty, paged, shown } from "./list.js";
import { time } from "./time.js";
import { during, failed, toast } from "./toast.js";
import { percent, plain } from "./words.js";

const PAGE = 20;

const undo = (change, then) => post(`/api/v1/person-changes/${change.id}/undo`).then(then, failed);

// Says that somebody else is this person, enrolled twice.
export async function merge(person, again) {
  const fields = personChoice("with", { label: "Who is the same one", but: person.id });
  const intro = [
    `Templates and past visits of the other one become those of ${person.name}, whose name, groups and validity hold.`,
    " The other one is nobody any more, and is erased after seven days; until then it can be undone.",
  ];
  const change = await ask("The same person, enrolled twice", fields, "Make them one", (values) =>
    post(`/api/v1/persons/${person.id}/merge`, { with: values.with }), { intro },
  );
  if (!change) return;
  toast("They are one person now; the doors are told.", { action: ["Undo", () => undo(change, again)] });
  again();
}

// Says that some templates are somebody else's.
export async function split(person, again) {
  const { items } = await get(`/api/v1/persons/${person.id}/templates`);
  const fields = [
    {
      name: "templates",
      label: "Templates that are somebody else’s",
      type: "checks",
      choices: items.map((one) => [
        one.id,
        h("span", {}, `${plain(one.angle)}, quality ${percent(one.quality)}, `, time(one.created_at)),
      ]),
      none: "There are no templates.",
    },
    { name: "name", label: "That one’s name", required: true, max: 100 },
    { name: "consent", label: "They, too, have consented to be recognised", type: "check" },
  ];
  const intro = "A new person comes into being with these templates, in the same groups. Past visits stay where they are.";
  const change = await ask("Two people in one", fields, "Make them two", (values) =>
    post(`/api/v1/persons/${person.id}/split`, values), { intro },
  );
  if (!change) return;
  toast("They are two persons now; the doors are told.", { action: ["Undo", () => undo(change, again)] });
  again();
}

// What was done to a person, with merges and splits that can still be undone above.
export function historyPart(id, manages, again) {
  const place = h("div", { class: "stack" });
  const changes = h("div", { class: "stack" });
  const lines = h("div", {});
  shown(place, () => get(`/api/v1/persons/${id}/history?limit=1`), (found) => {
    changes.replaceChildren(...found.changes.map((change) => one(change, id, manages, again)));
    paged(lines, {
      load: (cursor) => get(`/api/v1/persons/${id}/history${query({ limit: PAGE, cursor })}`),
      begin: (items) => {
        const element = h("ul", { class: "stack tight" }, items.map(line));
        return { element, add: (more) => element.append(...more.map(line)) };
      },
      none: () => empty("Nothing was done yet."),
      end: "Those are all.",
    });
    return [changes, h("details", {}, h("summary", {}, "Everything that was done"), lines)];
  });
  return place;
}

function one(change, id, manages, again) {
  const other = change.source === id ? change.target : change.source;
  const words =
    change.kind === "merge"
      ? "Another person turned out to be the same one"
      : change.source === id
        ? "A part of the templates was somebody else’s"
        : "Made of a part of another person’s templates";
  return h(
    "div",
    { class: "line" },
    badge(plain(change.kind), change.undone_at ? "" : "accent"),
    h("span", {}, words, " ", time(change.made_at)),
    change.kind === "split" && h("a", { href: `/people/${other}` }, "The other one"),
    change.undone_at && h("span", { class: "quiet" }, "undone ", time(change.undone_at)),
    manages &&
      change.can_be_undone &&
      button("Undo", (event) =>
        during(event.currentTarget, async () => {
          await post(`/api/v1/person-changes/${change.id}/undo`);
          toast("Undone; the doors are told.");
          again();
        }),
      ),
    change.can_be_undone && h("span", { class: "small quiet" }, "until ", time(change.undo_until, "date")),
  );
}

function line(of) {
  return h("li", {}, h("code", {}, of.action), " ", time(of.at));
}
