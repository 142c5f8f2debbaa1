// Grants: a role over everything, a site or a door, in words and as a form.

import { get } from "./api.js";
import { badge, button, h } from "./dom.js";
import { places } from "./places.js";
import { plain } from "./words.js";

const FOR = {
  owner: "everything, also who else is owner or admin",
  admin: "people, doors, devices, settings, accounts below",
  operator: "watching visits and judging them",
  viewer: "watching visits",
  auditor: "who did what, and nobody’s face",
};

export async function grantWords(grants) {
  const names = await places();
  const where = (grant) => (grant.door ? names.door(grant.door) : grant.site ? names.site(grant.site) : "everything");
  return grants.length
    ? h(
        "span",
        { class: "line" },
        grants.map((grant) => badge(`${plain(grant.role)} of ${where(grant)}`, "accent")),
      )
    : badge("May nothing");
}

// A fieldset of grants; `read()` gives them as the API takes them.
export async function grantField(grants = []) {
  const names = await places();
  const scopes = [
    ["", "everything"],
    ...names.sites.map((site) => [`site:${site.id}`, `site ${site.name}`]),
    ...names.doorChoices().map(([id, words]) => [`door:${id}`, `door ${words}`]),
  ];
  const rows = h("div", { class: "stack" });
  const option =
    (chosen) =>
    ([value, words]) =>
      h("option", { value, selected: value === chosen }, words);
  const add = (grant) => {
    const scope = grant.door ? `door:${grant.door}` : grant.site ? `site:${grant.site}` : "";
    const row = h(
      "div",
      { class: "line grant" },
      h(
        "select",
        { "aria-label": "Role" },
        Object.keys(FOR)
          .map((role) => [role, plain(role)])
          .map(option(grant.role)),
      ),
      h("span", {}, "of"),
      h("select", { "aria-label": "Over what" }, scopes.map(option(scope))),
      button("Take away", () => row.remove(), { tone: "plain" }),
    );
    rows.append(row);
  };
  grants.forEach(add);
  const element = h(
    "fieldset",
    {},
    h("legend", {}, "What the account may"),
    rows,
    h(
      "div",
      {},
      button("Add", () => add({ role: "viewer" }), { picture: "plus" }),
    ),
  );
  const read = () =>
    [...rows.children].map((row) => {
      const [role, scope] = [...row.querySelectorAll("select")].map((select) => select.value);
      const [kind, id] = scope.split(":");
      return { role, ...(kind ? { [kind]: id } : {}) };
    });
  if (!grants.length) add({ role: "viewer" });
  return { element, read };
}

// The table of who may what.
export async function roleTable() {
  const { items } = await get("/api/v1/roles");
  const all = items[0].permissions;
  return {
    heads: ["Permission", ...items.map((role) => plain(role.role))],
    rows: all.map((permission) => [
      h("code", {}, permission),
      ...items.map((role) => (role.permissions.includes(permission) ? "yes" : "")),
    ]),
    words: FOR,
  };
}
