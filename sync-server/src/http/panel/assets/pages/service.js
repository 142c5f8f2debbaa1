// One account of a service, and its keys.

import "../core/shell.js";
import { get, post, put, remove } from "../core/api.js";
import { badge, button, facts, find, h, table } from "../core/dom.js";
import { ask, confirm, open, secret } from "../core/dialog.js";
import { formOf } from "../core/form.js";
import { grantField, grantWords, roleTable } from "../core/grants.js";
import { empty, shown } from "../core/list.js";
import { idOfPage } from "../core/page.js";
import { time } from "../core/time.js";
import { during, failed, toast } from "../core/toast.js";

const path = `/api/v1/service-accounts/${idOfPage()}`;
const USUAL_DAYS = 90;
const view = () => shown(find("#service"), () => get(path), page);

async function page(service) {
  find("h1").textContent = service.name;
  find("#tools").replaceChildren(
    button("What it may", () => grants(service).catch(failed), { picture: "edit" }),
    button("Remove", () => drop(service).catch(failed), { picture: "trash", tone: "danger" }),
  );
  const keys = h("div", {});
  const again = () =>
    shown(
      keys,
      () => get(`${path}/keys`),
      ({ items }) => list(items, again),
    );
  again();
  return [
    h(
      "section",
      { class: "panel" },
      facts([
        ["May", await grantWords(service.grants)],
        ["Made", time(service.created_at)],
      ]),
    ),
    h(
      "section",
      { class: "panel" },
      h(
        "div",
        { class: "panel-head" },
        h("h2", {}, "Keys"),
        button("New key", () => add(again).catch(failed), { picture: "plus", tone: "primary" }),
      ),
      keys,
    ),
  ];
}

function list(items, again) {
  if (!items.length) return empty("There are no keys: the service cannot come in yet.");
  const now = Date.now();
  const standing = (key) =>
    key.revoked_at
      ? badge("Revoked", "bad")
      : Date.parse(key.expires_at) < now
        ? badge("Over", "look")
        : badge("Good", "good");
  return table(
    "Keys",
    ["Name", "Key", "May", "State", "Ends", "Last used", ""],
    items.map((key) => [
      key.name,
      h("code", {}, `${key.hint}…`),
      key.permissions ? key.permissions.join(", ") : "all the account may",
      standing(key),
      time(key.expires_at, "date"),
      key.last_used_at
        ? h("span", {}, time(key.last_used_at, "ago"), key.last_used_from ? ` from ${key.last_used_from}` : "")
        : "never",
      !key.revoked_at &&
        button(
          "Revoke",
          (event) =>
            during(event.currentTarget, async () => {
              await remove(`${path}/keys/${key.id}`);
              toast("The key does not serve any more.");
              again();
            }),
          { tone: "plain", "aria-label": `Revoke ${key.name}` },
        ),
    ]),
  );
}

async function add(again) {
  const all = (await roleTable()).rows.map(([code]) => code.textContent);
  const fields = [
    { name: "name", label: "Name", required: true, max: 100 },
    { name: "days", label: "Days it is good", type: "number", min: 1, value: USUAL_DAYS, required: true },
    {
      name: "permissions",
      label: "Only these permissions (none ticked: all the account may)",
      type: "checks",
      choices: all.map((name) => [name, name]),
    },
  ];
  const made = await ask("A new key", fields, "Make it", (values) =>
    post(`${path}/keys`, {
      name: values.name,
      days: values.days,
      ...(values.permissions.length ? { permissions: values.permissions } : {}),
    }),
  );
  if (!made) return;
  await secret("The key", "Put it where the service reads its secrets.", made.key);
  again();
}

async function grants(service) {
  const field = await grantField(service.grants);
  if (
    await open("What may the service?", (close) =>
      formOf([field.element], "Save", async () => close(await put(`${path}/grants`, { grants: field.read() })), {
        beside: button("Cancel", () => close()),
      }),
    )
  )
    view();
}

async function drop(service) {
  if (!(await confirm(`Remove ${service.name}?`, "Its keys end at once.", "Remove it"))) return;
  await remove(path);
  location.assign("/accounts#services");
}

view();
