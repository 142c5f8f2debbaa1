// Who is told of what: rules, webhooks, and what was sent.

import "../core/shell.js";
import { get, post, put, query, remove } from "../core/api.js";
import { badge, button, find, h, table } from "../core/dom.js";
import { deliveryRows } from "../core/deliveries.js";
import { ask, confirm, secret } from "../core/dialog.js";
import { empty, paged, shown } from "../core/list.js";
import { tabs } from "../core/page.js";
import { places } from "../core/places.js";
import { offers, ruleForm, ruleWords } from "../core/rule.js";
import { during, failed, toast } from "../core/toast.js";
import { may, plain } from "../core/words.js";

const PAGE = 40;
const RULES = "/api/v1/notification-rules";
const HOOKS = "/api/v1/webhooks";
const INTRO = "Whoever is told must be allowed to know of it: a rule grants nobody anything.";

const tool = (words, work) => button(words, () => work().catch(failed), { picture: "plus", tone: "primary" });

function rules() {
  return shown(
    find("#rules"),
    () => Promise.all([get(RULES), offers(may)]),
    ([{ items }, found]) => [
      h("div", { class: "line" }, tool("New rule", () => edit(null, found))),
      items.length ? ruleTable(items, found) : empty("There are no rules: nobody is told of anything but mentions."),
    ],
  );
}

function ruleTable(items, found) {
  const row = (rule) => [
    h("strong", {}, rule.name),
    ruleWords(rule, found),
    h("span", { class: "wrap" }, toWords(rule, found)),
    rule.enabled ? badge("In force", "good") : badge("Off"),
    h(
      "span",
      {},
      button("Try", (event) => attempt(event.currentTarget, rule), { tone: "plain", "aria-label": `Try ${rule.name}` }),
      button("Change", () => change(rule, found).catch(failed), { tone: "plain", "aria-label": `Change ${rule.name}` }),
      button("Remove", () => drop(`${RULES}/${rule.id}`, rule.name, "What was told by it stays.", rules).catch(failed), {
        tone: "plain",
        "aria-label": `Remove ${rule.name}`,
      }),
    ),
  ];
  return table("Rules", ["Name", "Tells of", "To", "State", ""], items.map(row));
}

function toWords(rule, { users, webhooks }) {
  const named = rule.whom.accounts.map((id) => users.find((user) => user.id === id)?.name || "an account");
  const hooked = rule.how.webhooks.map((id) => webhooks.find((hook) => hook.id === id)?.name || "a webhook");
  const ways = [rule.how.email && "e-mail", rule.how.push && "push"].filter(Boolean).join(" and ");
  const words = [...rule.whom.roles.map((role) => `${plain(role)}s`), ...named, ...hooked].join(", ");
  return ways ? `${words} (also by ${ways})` : words;
}

async function edit(rule, found, person) {
  const form = ruleForm(rule, found, person);
  const save = (values) =>
    rule ? put(`${RULES}/${rule.id}`, form.read(values), { etag: rule.etag }) : post(RULES, form.read(values));
  const title = rule ? "Change the rule" : "A new rule";
  if (await ask(title, form.fields, rule ? "Save" : "Add", save, { intro: INTRO })) rules();
}

async function change(rule, found) {
  await edit(await get(`${RULES}/${rule.id}`), found);
}

function attempt(pressed, rule) {
  return during(pressed, async () => {
    const tried = await post(`${RULES}/${rule.id}/test`);
    const people = `${tried.people} ${tried.people === 1 ? "person" : "people"} (${tried.with_email} with an address)`;
    toast(`You are told; nobody else is. It would tell ${people} and ${tried.webhooks} webhooks.`);
  });
}

async function drop(path, name, words, again) {
  if (!(await confirm(`Remove ${name}?`, words, "Remove"))) return;
  await remove(path);
  toast("Removed.");
  again();
}

function webhooks() {
  return shown(
    find("#webhooks"),
    () => Promise.all([get(HOOKS), places()]),
    ([{ items }, names]) => [
      h("div", { class: "line" }, tool("New webhook", () => editHook(null, names))),
      items.length ? hookTable(items, names) : empty("No other program is told. A webhook tells one by HTTP, signed."),
    ],
  );
}

function hookTable(items, names) {
  const where = (hook) => (hook.door ? names.door(hook.door) : hook.site ? names.site(hook.site) : "anywhere");
  const verb = (hook, words, work) =>
    button(words, work, { tone: "plain", "aria-label": `${words}: ${hook.name}` });
  const row = (hook) => [
    h("strong", {}, hook.name),
    h("code", {}, hook.origin),
    where(hook),
    hook.enabled ? badge("In use", "good") : badge("Off"),
    h(
      "span",
      {},
      verb(hook, "Try", (event) =>
        during(event.currentTarget, async () => {
          await post(`${HOOKS}/${hook.id}/test`);
          toast("A test is under way; see “Sent”.");
        }),
      ),
      verb(hook, "Change", () => changeHook(hook, names).catch(failed)),
      verb(hook, "New secret", () => renew(hook).catch(failed)),
      verb(hook, "Remove", () =>
        drop(`${HOOKS}/${hook.id}`, hook.name, "What waits for it is removed with it.", webhooks).catch(failed),
      ),
    ),
  ];
  return table("Webhooks", ["Name", "Goes to", "Told of", "State", ""], items.map(row));
}

async function editHook(hook, names) {
  const scope = hook?.door ? `door:${hook.door}` : hook?.site ? `site:${hook.site}` : "";
  const fields = [
    { name: "name", label: "Name", required: true, max: 100, value: hook?.name },
    {
      name: "url",
      label: "Address",
      type: "url",
      required: !hook,
      max: 1000,
      hint: hook ? "Empty: it stays as it is. It is never shown whole." : "https://… It is never shown whole again.",
    },
    {
      name: "where",
      label: "Told of what happens",
      type: "select",
      choices: [
        ["", "anywhere"],
        ...names.sites.map((site) => [`site:${site.id}`, `at site ${site.name}`]),
        ...names.doorChoices().map(([id, words]) => [`door:${id}`, `at door ${words}`]),
      ],
      value: scope,
    },
    { name: "enabled", label: "In use", type: "check", value: hook?.enabled ?? true },
  ];
  const save = ({ name, url, where, enabled }) => {
    const [kind, id] = where.split(":");
    const body = { name, enabled, ...(url ? { url } : {}), ...(kind ? { [kind]: id } : {}) };
    return hook ? put(`${HOOKS}/${hook.id}`, body, { etag: hook.etag }) : post(HOOKS, body);
  };
  const saved = await ask(hook ? "Change the webhook" : "A new webhook", fields, hook ? "Save" : "Add", save);
  if (!saved) return;
  if (saved.secret) await showSecret(saved.secret);
  webhooks();
}

async function changeHook(hook, names) {
  await editHook(await get(`${HOOKS}/${hook.id}`), names);
}

async function renew(hook) {
  const words = "The old one signs nothing from now on: the receiver refuses messages until it knows the new one.";
  if (!(await confirm(`A new secret for ${hook.name}?`, words, "Make a new one"))) return;
  const made = await post(`${HOOKS}/${hook.id}/secret`);
  await showSecret(made.secret);
}

const showSecret = (text) =>
  secret("The webhook’s secret", "The receiver checks signatures with it (Standard Webhooks).", text);

async function sent() {
  const filters = find("#sent-filters");
  const hooks = new Map((await get(HOOKS)).items.map((hook) => [hook.id, hook.name]));
  for (const [id, name] of hooks) filters.elements.webhook.append(h("option", { value: id }, name));
  const show = () => {
    const wanted = Object.fromEntries(new FormData(filters));
    const list = paged(find("#deliveries"), {
      load: (before) => get(`/api/v1/deliveries${query({ ...wanted, limit: PAGE, before })}`),
      begin: deliveryRows(() => list.reload(), hooks),
      none: () => empty("Nothing was sent."),
      end: "Those are all that are kept.",
    });
  };
  filters.addEventListener("change", show);
  show();
}

const about = new URLSearchParams(location.search).get("person");
if (about) offers(may).then((found) => edit(null, found, about).catch(failed), failed);
tabs(find("[role=tablist]"), { rules, webhooks, sent: () => sent().catch(failed) });
