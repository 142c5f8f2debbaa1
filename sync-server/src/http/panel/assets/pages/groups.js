// Groups: persons who have something in common, by which doors know them.

import "../core/shell.js";
import { get, post, put, remove } from "../core/api.js";
import { button, find, h, table } from "../core/dom.js";
import { ask, confirm } from "../core/dialog.js";
import { empty, shown } from "../core/list.js";
import { places } from "../core/places.js";
import { time } from "../core/time.js";
import { failed, toast } from "../core/toast.js";
import { may } from "../core/words.js";

const manages = may("persons.manage");
const view = () => shown(find("#list"), () => Promise.all([get("/api/v1/groups"), places()]), list);

function list([{ items }, names]) {
  if (!items.length) return empty("There are no groups. Without them, doors know everybody.");
  const row = (group) => [
    h("a", { href: `/people?group=${group.id}` }, group.name),
    group.site ? names.site(group.site) : "everywhere",
    String(group.members),
    time(group.created_at, "date"),
    ...(manages
      ? [
          h(
            "span",
            {},
            button("Change", () => change(group).catch(failed), {
              picture: "edit",
              tone: "plain",
              "aria-label": `Change ${group.name}`,
            }),
            button("Remove", () => drop(group).catch(failed), {
              picture: "trash",
              tone: "plain",
              "aria-label": `Remove ${group.name}`,
            }),
          ),
        ]
      : []),
  ];
  return table("Groups", ["Name", "Counts at", "Members", "Made", ...(manages ? [""] : [])], items.map(row));
}

async function fields(group) {
  const names = await places();
  return [
    { name: "name", label: "Name", required: true, max: 100, value: group?.name },
    {
      name: "site",
      label: "Counts at",
      type: "select",
      choices: [["", "every site"], ...names.siteChoices()],
      value: group?.site || "",
    },
  ];
}

const body = (values) => ({ name: values.name, ...(values.site ? { site: values.site } : {}) });

async function add() {
  if (await ask("A new group", await fields(), "Add", (values) => post("/api/v1/groups", body(values)))) view();
}

async function change(group) {
  const current = await get(`/api/v1/groups/${group.id}`);
  if (
    await ask("Change the group", await fields(current), "Save", (values) =>
      put(`/api/v1/groups/${group.id}`, body(values), { etag: current.etag }),
    )
  )
    view();
}

async function drop(group) {
  const sure = await confirm(
    `Remove the group ${group.name}?`,
    "Its members stay enrolled. Doors that name it do not know them by it any more.",
    "Remove the group",
  );
  if (!sure) return;
  await remove(`/api/v1/groups/${group.id}`);
  toast("The group is removed.");
  view();
}

if (manages)
  find("#tools").append(button("New group", () => add().catch(failed), { picture: "plus", tone: "primary" }));
view();
