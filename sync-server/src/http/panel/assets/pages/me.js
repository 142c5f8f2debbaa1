// The account signed in: profile, password, second factor, sessions.

import "../core/shell.js";
import { get, post, put, remove } from "../core/api.js";
import { badge, button, facts, find, h } from "../core/dom.js";
import { drawn } from "../core/devices.js";
import { ask, open } from "../core/dialog.js";
import { formOf } from "../core/form.js";
import { grantWords } from "../core/grants.js";
import { shown } from "../core/list.js";
import { searches, verdicts } from "../core/mine.js";
import { sessionTable } from "../core/sessions.js";
import { copy, failed, toast } from "../core/toast.js";
import { may } from "../core/words.js";

const place = find("#me");
const PASSWORD = {
  name: "password",
  label: "Your password",
  type: "password",
  autocomplete: "current-password",
  required: true,
};
const view = () => shown(place, () => get("/api/v1/me"), page);
const part = (title, ...content) => h("section", { class: "panel" }, h("h2", {}, title), content);

async function page(me) {
  const sessions = h("div", {});
  const again = () =>
    shown(
      sessions,
      () => get("/api/v1/me/sessions"),
      ({ items }) => sessionTable(items, (session) => remove(`/api/v1/me/sessions/${session.id}`), again),
    );
  again();
  return [
    part(
      "Profile",
      facts([
        ["Login", me.login],
        ["May", await grantWords(me.grants)],
      ]),
      profile(me),
    ),
    part("Password", password()),
    part("Second factor", factor(me)),
    h(
      "section",
      { class: "panel wide" },
      h(
        "div",
        { class: "panel-head" },
        h("h2", {}, "Sessions"),
        button("Sign out everywhere", () => everywhere().catch(failed), { tone: "danger" }),
      ),
      sessions,
    ),
    may("events.read") && later("My verdicts", verdicts),
    may("events.read") && later("My searches", searches),
  ];
}

// A part that reads by itself, once it is opened.
function later(title, make) {
  const place = h("div", { class: "stack" });
  const details = h("details", {}, h("summary", {}, title), place);
  details.addEventListener("toggle", () => make(place), { once: true });
  return h("section", { class: "panel wide" }, h("h2", {}, title), details);
}

function profile(me) {
  return formOf(
    [
      { name: "name", label: "What people call you", required: true, max: 100, value: me.name, autocomplete: "name" },
      { name: "email", label: "E-mail address", type: "email", max: 254, value: me.email, autocomplete: "email" },
      { ...PASSWORD, required: false, hint: "Asked for if the address changes: links for new passwords go there." },
    ],
    "Save",
    async (values) => {
      await put("/api/v1/me", {
        name: values.name,
        email: values.email || null,
        ...(values.password ? { password: values.password } : {}),
      });
      toast("Saved.");
      view();
    },
  );
}

function password() {
  return formOf(
    [
      PASSWORD,
      {
        name: "new_password",
        label: "New password",
        type: "password",
        autocomplete: "new-password",
        required: true,
        hint: "15 characters or more, 8 beside a second factor; a few unrelated words do well.",
      },
    ],
    "Change the password",
    async (values) => {
      await post("/api/v1/me/password", values);
      toast("Your password is changed; other sessions have ended.");
      view();
    },
  );
}

function factor(me) {
  if (!me.second_factor)
    return [
      h("p", {}, "With a second factor, a stolen password is not enough."),
      h(
        "div",
        {},
        button("Set it up", () => setUp().catch(failed), { tone: "primary" }),
      ),
    ];
  return [
    h("p", {}, badge("On", "good")),
    h(
      "div",
      { class: "line" },
      button("New recovery codes", () =>
        ask("New recovery codes", [PASSWORD], "Make them", (values) =>
          post("/api/v1/me/totp/recovery-codes", values),
        ).then((made) => made && codes(made.recovery_codes), failed),
      ),
      button(
        "Take it away",
        () =>
          ask("Take away the second factor?", [PASSWORD], "Take it away", (values) =>
            post("/api/v1/me/totp/remove", values),
          ).then((done) => done && view(), failed),
        { tone: "danger" },
      ),
    ),
  ];
}

async function setUp() {
  const made = await ask("Set up a second factor", [PASSWORD], "Go on", (values) => post("/api/v1/me/totp", values));
  if (!made) return;
  const picture = await drawn(made.otpauth_url);
  const confirmed = await open("Scan this with your app", (close) =>
    h(
      "div",
      { class: "stack" },
      picture,
      h("details", {}, h("summary", {}, "Type it instead"), h("code", {}, made.secret)),
      formOf(
        [{ name: "code", label: "The code your app shows", required: true, max: 10, autocomplete: "one-time-code" }],
        "Confirm",
        async (values) => close(await post("/api/v1/me/totp/confirm", { code: values.code.replace(/\s/g, "") })),
        { beside: button("Cancel", () => close()) },
      ),
    ),
  );
  if (confirmed) await codes(confirmed.recovery_codes);
  view();
}

function codes(list) {
  return open("Your recovery codes", (close) =>
    h(
      "div",
      { class: "stack" },
      h(
        "p",
        {},
        "Each serves once when your phone is lost. Keep them where your password is not. They are shown only now.",
      ),
      h(
        "code",
        {},
        list.map((code) => h("div", {}, code)),
      ),
      h(
        "div",
        { class: "line" },
        button("Copy", () => copy(list.join("\n")), { picture: "copy" }),
        button("I have them", () => close(), { tone: "primary" }),
      ),
    ),
  );
}

async function everywhere() {
  await post("/api/v1/auth/logout-everywhere");
  location.assign("/sign-in");
}

view();
