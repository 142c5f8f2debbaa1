// One account of a person: what it may, its sessions, and help when somebody is locked out.

import "../core/shell.js";
import { get, post, put, remove } from "../core/api.js";
import { badge, button, facts, find, h } from "../core/dom.js";
import { confirm, open, secret } from "../core/dialog.js";
import { formOf } from "../core/form.js";
import { grantField, grantWords } from "../core/grants.js";
import { shown } from "../core/list.js";
import { idOfPage } from "../core/page.js";
import { sessionTable } from "../core/sessions.js";
import { time } from "../core/time.js";
import { during, failed, toast } from "../core/toast.js";
import { may, state } from "../core/words.js";

const id = idOfPage();
const path = `/api/v1/users/${id}`;
const view = () => shown(find("#user"), () => get(path), page);

async function page(user) {
  document.title = `${user.name} · ${document.title.split(" · ").pop()}`;
  find("h1").textContent = user.name || user.login;
  const manages = may("users.manage");
  find("#tools").replaceChildren(...(manages ? tools(user) : []));
  const sessions = h("div", {});
  const again = () =>
    shown(
      sessions,
      () => get(`${path}/sessions`),
      ({ items }) => sessionTable(items, manages && ((session) => remove(`${path}/sessions/${session.id}`)), again),
    );
  again();
  return h(
    "div",
    { class: "grid" },
    h(
      "section",
      { class: "panel" },
      h("h2", {}, "Account"),
      facts([
        ["Login", user.login],
        ["State", state(user.state)],
        ["May", await grantWords(user.grants)],
        ["E-mail", user.email],
        ["Second factor", user.second_factor ? badge("yes", "good") : badge("no", "look")],
        ["Last here", time(user.last_login_at) || "never"],
        ["Made", time(user.created_at)],
      ]),
    ),
    h(
      "section",
      { class: "panel wide" },
      h(
        "div",
        { class: "panel-head" },
        h("h2", {}, "Sessions"),
        manages &&
          button("End all", (event) =>
            during(event.currentTarget, async () => {
              await remove(`${path}/sessions`);
              toast("All sessions have ended.");
              again();
            }),
          ),
      ),
      sessions,
    ),
  );
}

function tools(user) {
  const act = (words, verb, done, tone) =>
    button(
      words,
      (event) =>
        during(event.currentTarget, async () => {
          await post(`${path}/${verb}`);
          toast(done);
          view();
        }),
      { tone },
    );
  const all = [];
  if (user.state === "pending")
    all.push(button("Let in", () => grants(user, "approve").catch(failed), { tone: "primary" }));
  else all.push(button("What it may", () => grants(user, "grants").catch(failed), { picture: "edit" }));
  if (user.state === "active") {
    all.push(
      button("Link for a new password", (event) =>
        during(event.currentTarget, async () => {
          const made = await post(`${path}/password-reset`);
          await secret("A new password", "Pass this link on; it serves once.", made.link);
        }),
      ),
    );
    all.push(act("Shut out", "shut-out", "The account is shut out, and its sessions have ended.", "danger"));
  }
  if (user.state === "shut_out") all.push(act("Let in again", "let-in", "The account may come in again.", "primary"));
  if (user.second_factor)
    all.push(button("Take away the second factor", () => noFactor().catch(failed), { tone: "danger" }));
  all.push(button("Remove", () => drop(user).catch(failed), { picture: "trash", tone: "danger" }));
  return all;
}

async function grants(user, verb) {
  const field = await grantField(user.grants);
  const save = () =>
    verb === "approve"
      ? post(`${path}/approve`, { grants: field.read() })
      : put(`${path}/grants`, { grants: field.read() });
  if (
    await open("What may the account?", (close) =>
      formOf([field.element], "Save", async () => close(await save()), { beside: button("Cancel", () => close()) }),
    )
  )
    view();
}

async function noFactor() {
  if (
    !(await confirm(
      "Take away the second factor?",
      "For somebody who has lost phone and recovery codes. Until another is set, the password alone does.",
      "Take it away",
    ))
  )
    return;
  await remove(`${path}/totp`);
  view();
}

async function drop(user) {
  if (
    !(await confirm(
      `Remove the account of ${user.name}?`,
      "It is gone at once, with its sessions. What it did stays in the audit log.",
      "Remove it",
      { typed: user.login },
    ))
  )
    return;
  await remove(path);
  location.assign("/accounts");
}

view();
