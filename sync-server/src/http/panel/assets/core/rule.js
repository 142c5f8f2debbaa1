// A rule of notifications as a form: what, where and when is told, to whom and how.

import { get, query } from "./api.js";
import { h } from "./dom.js";
import { hours } from "./hours.js";
import { KINDS } from "./notice.js";
import { places } from "./places.js";
import { plain } from "./words.js";

const ROLES = ["owner", "admin", "operator", "viewer", "auditor"];
const GATHER = [
  ["door", "what happens at one door"],
  ["site", "what happens at one site"],
  ["rule", "everything of the rule"],
];
const MINUTE_S = 60;
const MOST_ACCOUNTS = 200;

// What the form offers: places, groups, accounts and webhooks, as far as one may see them.
export async function offers(may) {
  const [names, groups, users, webhooks] = await Promise.all([
    places(),
    may("persons.read") ? get("/api/v1/groups") : { items: [] },
    may("users.read") ? get(`/api/v1/users${query({ limit: MOST_ACCOUNTS })}`) : { items: [] },
    get("/api/v1/webhooks"),
  ]);
  return { names, groups: groups.items, users: users.items, webhooks: webhooks.items };
}

// Fields for `ask`, and `read(values)` which gives the rule as the API takes it.
export function ruleForm(rule, found, person = rule?.person) {
  const { names, groups, users, webhooks } = found;
  const where = rule?.door ? `door:${rule.door}` : rule?.site ? `site:${rule.site}` : "";
  const about = rule?.group ? `group:${rule.group}` : person ? `person:${person}` : "";
  const when = hours("When it holds; always, if no hours are said", rule?.when, rule?.time_zone ?? "");
  const quiet = hours("When messages wait, and are only here", rule?.quiet, null);
  const fields = [
    { name: "name", label: "Name", required: true, max: 100, value: rule?.name },
    { name: "enabled", label: "In force", type: "check", value: rule?.enabled ?? true },
    { name: "what", label: "Tell of", type: "checks", choices: KINDS, value: rule?.what ?? (person ? ["seen"] : []) },
    {
      name: "where",
      label: "Where",
      type: "select",
      choices: [
        ["", "anywhere"],
        ...names.sites.map((site) => [`site:${site.id}`, `site ${site.name}`]),
        ...names.doorChoices().map(([id, words]) => [`door:${id}`, `door ${words}`]),
      ],
      value: where,
    },
    {
      name: "about",
      label: "About",
      type: "select",
      choices: [
        ["", "everybody"],
        ...groups.map((group) => [`group:${group.id}`, `the group ${group.name}`]),
        ...(person ? [[`person:${person}`, "the one person chosen"]] : []),
      ],
      value: about,
      hint: "Of “person seen” and “not seen by a time”. A rule about one person is made on that person’s page.",
    },
    { name: "absent_by", label: "Not seen by (of “not seen by a time”)", type: "time", value: rule?.absent_by },
    when.element,
    people("roles", "Tell everybody there who is", rule?.whom),
    accounts("accounts", "Tell these", users, rule?.whom),
    { name: "email", label: "Also by e-mail", type: "check", value: rule?.how.email },
    { name: "push", label: "Also to browsers that asked for it", type: "check", value: rule?.how.push },
    hooks(webhooks, rule?.how),
    {
      name: "pause",
      label: "Minutes between two messages about the same",
      type: "number",
      min: 1,
      value: (rule?.pause_s ?? 5 * MINUTE_S) / MINUTE_S,
      required: true,
      hint: "What comes meanwhile is told together, and nothing of it is lost.",
    },
    { name: "group_by", label: "Told together is", type: "select", choices: GATHER, value: rule?.group_by ?? "door" },
    quiet.element,
    { name: "urgent", label: "Urgent: heed nobody’s quiet hours", type: "check", value: rule?.urgent },
    {
      name: "after",
      label: "If nobody reads it for so many minutes, tell others",
      type: "number",
      min: 1,
      value: rule?.escalation ? rule.escalation.after_s / MINUTE_S : "",
      hint: "Empty: nobody else.",
    },
    people("then", "Then tell everybody there who is", rule?.escalation?.whom),
  ].filter(Boolean);
  const read = (values) => ({
    name: values.name,
    enabled: values.enabled,
    what: values.what,
    ...chosen(values.where),
    ...chosen(values.about),
    ...(values.absent_by ? { absent_by: values.absent_by } : {}),
    ...when.read("when"),
    ...quiet.read("quiet"),
    whom: { accounts: kept(values.accounts, users, rule?.whom), roles: values.roles },
    how: { email: values.email, push: values.push, webhooks: values.webhooks || [] },
    pause_s: Math.round(values.pause * MINUTE_S),
    group_by: values.group_by,
    urgent: values.urgent,
    ...(values.after
      ? {
          escalation: {
            after_s: Math.round(values.after * MINUTE_S),
            whom: { accounts: rule?.escalation?.whom.accounts || [], roles: values.then },
            how: { email: values.email, push: values.push, webhooks: rule?.escalation?.how.webhooks || [] },
          },
        }
      : {}),
  });
  return { fields, read };
}

// Accounts a rule names that one may not see stay named.
function kept(ticked = [], users, whom) {
  const hidden = (whom?.accounts || []).filter((id) => !users.some((user) => user.id === id));
  return [...ticked, ...hidden];
}

const people = (name, label, whom) => ({
  name,
  label,
  type: "checks",
  choices: ROLES.map((role) => [role, plain(role)]),
  value: whom?.roles,
});

const accounts = (name, label, users, whom) =>
  users.length > 0 && {
    name,
    label,
    type: "checks",
    choices: users.map((user) => [user.id, user.name || user.login]),
    value: whom?.accounts,
  };

const hooks = (webhooks, how) =>
  webhooks.length > 0 && {
    name: "webhooks",
    label: "Also to these webhooks",
    type: "checks",
    choices: webhooks.map((webhook) => [webhook.id, webhook.name]),
    value: how?.webhooks,
  };

function chosen(text) {
  const [kind, id] = (text || "").split(":");
  return kind ? { [kind]: id } : {};
}

// What a rule says, in a few words.
export function ruleWords(rule, { names, groups }) {
  const kinds = rule.what.map((word) => KINDS.find(([value]) => value === word)?.[1] || plain(word));
  const where = rule.door ? names.door(rule.door) : rule.site ? names.site(rule.site) : "anywhere";
  const group = rule.group && groups.find((one) => one.id === rule.group)?.name;
  const about = rule.person ? "one person" : rule.group ? `the group ${group || "…"}` : null;
  return h(
    "span",
    { class: "wrap" },
    kinds.join(", "),
    h("span", { class: "quiet" }, ` · ${[where, about].filter(Boolean).join(" · ")}`),
  );
}
