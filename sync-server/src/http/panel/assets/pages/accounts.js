// Accounts: people, invitations, services, and what each role may.

import "../core/shell.js";
import { get, post, query, remove } from "../core/api.js";
import { badge, button, find, h, table } from "../core/dom.js";
import { open, secret } from "../core/dialog.js";
import { formOf } from "../core/form.js";
import { grantField, grantWords, roleTable } from "../core/grants.js";
import { empty, paged, rows, shown } from "../core/list.js";
import { tabs } from "../core/page.js";
import { time } from "../core/time.js";
import { during, failed, toast } from "../core/toast.js";
import { may, plain, state } from "../core/words.js";

const PAGE = 50;
const manages = may("users.manage");
const keeps = may("keys.manage");

// A list whose rows have to be prepared: words for grants are read from elsewhere.
const prepared = async (page) => ({
  next: page.next,
  items: await Promise.all(page.items.map(async (item) => ({ ...item, words: await grantWords(item.grants) }))),
});

function users() {
  return paged(find("#users"), {
    load: async (after) => prepared(await get(`/api/v1/users${query({ limit: PAGE, after })}`)),
    begin: rows("Accounts of people", ["Name", "Login", "May", "State", "Second factor", "Last here"], (user) => [
      h("a", { href: `/accounts/${user.id}` }, user.name || user.login),
      user.login,
      user.words,
      state(user.state),
      user.second_factor ? badge("yes", "good") : badge("no"),
      time(user.last_login_at, "ago") || "never",
    ]),
    none: () => empty("There are no accounts within your reach."),
  });
}

function invitations() {
  const list = paged(find("#invitations"), {
    load: async (before) => prepared(await get(`/api/v1/invitations${query({ limit: PAGE, before })}`)),
    begin: rows("Invitations", ["To", "May", "State", "Made", "Ends", ""], (item) => [
      item.email || "whoever has the link",
      item.words,
      state(item.state),
      time(item.created_at),
      time(item.expires_at),
      manages &&
        item.state === "open" &&
        button(
          "Take back",
          (event) =>
            during(event.currentTarget, async () => {
              await remove(`/api/v1/invitations/${item.id}`);
              toast("The link does not serve any more.");
              list.reload();
            }),
          { tone: "plain" },
        ),
    ]),
    none: () => empty("Nobody was invited yet."),
  });
}

function services() {
  return paged(find("#services"), {
    load: async (after) => prepared(await get(`/api/v1/service-accounts${query({ limit: PAGE, after })}`)),
    begin: rows("Accounts of services", ["Name", "May", "State", "Made"], (item) => [
      h("a", { href: `/services/${item.id}` }, item.name),
      item.words,
      state(item.state),
      time(item.created_at, "date"),
    ]),
    none: () => empty("No program has an account. Services use the API by keys."),
  });
}

function roles() {
  return shown(find("#roles"), roleTable, ({ heads, rows: cells, words }) => [
    h(
      "dl",
      { class: "facts" },
      Object.entries(words).map(([role, what]) => [h("dt", {}, plain(role)), h("dd", {}, what)]),
    ),
    table("What each role may", heads, cells),
  ]);
}

async function invite() {
  const grants = await grantField();
  const invited = await open("Invite somebody", (close) =>
    formOf(
      [
        {
          name: "email",
          label: "E-mail address",
          type: "email",
          max: 254,
          hint: "The link is sent there if the server can send mail. Without an address, you pass the link on.",
        },
        grants.element,
      ],
      "Invite",
      async (values) =>
        close(
          await post("/api/v1/invitations", {
            grants: grants.read(),
            ...(values.email ? { email: values.email } : {}),
          }),
        ),
      { beside: button("Cancel", () => close()) },
    ),
  );
  if (!invited) return;
  await secret(
    "The invitation",
    invited.mailed ? "It was sent. This is the link:" : "Pass this link on; whoever opens it makes the account.",
    invited.link,
  );
  find("#tab-invitations").click();
  invitations();
}

async function addService() {
  const grants = await grantField();
  const made = await open("A new service", (close) =>
    formOf(
      [{ name: "name", label: "Name", required: true, max: 100 }, grants.element],
      "Add",
      async (values) => close(await post("/api/v1/service-accounts", { name: values.name, grants: grants.read() })),
      { beside: button("Cancel", () => close()) },
    ),
  );
  if (made) location.assign(`/services/${made.id}`);
}

find("#tab-services").hidden = !keeps;
if (manages)
  find("#tools").append(button("Invite somebody", () => invite().catch(failed), { picture: "plus", tone: "primary" }));
if (keeps) find("#tools").append(button("New service", () => addService().catch(failed), { picture: "plus" }));
tabs(find("[role=tablist]"), { users, invitations, services, roles });
