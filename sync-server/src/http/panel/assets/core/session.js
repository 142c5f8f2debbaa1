// A session that ends in mid-work: signing in again, over the page, which keeps everything that was typed.

import { Problem, csrf } from "./api.js";
import { h, find } from "./dom.js";

let under_way = null;

// Resolves once somebody is signed in again: the same account, or the page is loaded anew for another.
export function signInAgain() {
  under_way ??= ask().finally(() => {
    under_way = null;
  });
  return under_way;
}

// Signs in with a cookie. Answers the challenge, if a second step is wanted.
export async function signIn(values) {
  const answer = await guest("/api/v1/auth/login", { ...values, session: "cookie" });
  return answer.challenge || null;
}

// The second step; what is no code of six digits is a recovery code.
export function secondStep(challenge, text) {
  const code = text.replace(/\s/g, "");
  const given = /^\d{6}$/.test(code) ? { code } : { recovery_code: text.trim() };
  return guest("/api/v1/auth/second-step", { challenge, ...given, session: "cookie" });
}

export async function guest(path, body) {
  let response;
  try {
    const headers = { "content-type": "application/json", accept: "application/json" };
    response = await fetch(path, { method: "POST", headers, body: JSON.stringify(body), credentials: "same-origin" });
  } catch {
    throw new Problem(0, { detail: "The server cannot be reached. Check the network, then try again." });
  }
  const answer = response.status === 204 ? {} : await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(response.status, answer);
  return answer;
}

async function ask() {
  // Another tab may have signed in meanwhile.
  if (csrf() && (await fetch("/api/v1/me", { credentials: "same-origin" })).ok) return undefined;
  return new Promise((done) => {
    let challenge = null;
    const password = h("input", {
      id: "again-password",
      name: "password",
      type: "password",
      autocomplete: "current-password",
      required: true,
    });
    const login = h("input", {
      id: "again-login",
      name: "login",
      autocomplete: "username",
      autocapitalize: "none",
      required: true,
    });
    const code = h("input", { id: "again-code", name: "code", autocomplete: "one-time-code" });
    const codeRow = h(
      "div",
      { class: "row", hidden: true },
      h("label", { for: "again-code" }, "Code of your app, or a recovery code"),
      code,
    );
    const first = h(
      "div",
      { class: "stack" },
      h("div", { class: "row" }, h("label", { for: "again-login" }, "Login name"), login),
      h("div", { class: "row" }, h("label", { for: "again-password" }, "Password"), password),
    );
    const error = h("p", { class: "form-error", role: "alert" });
    const submit = h("button", { class: "primary" }, "Sign in");
    const form = h(
      "form",
      { class: "dialog", novalidate: true },
      h("h2", { id: "again-title" }, "Your session has ended"),
      h("p", {}, "Sign in to go on. What you have typed stays where it is."),
      first,
      codeRow,
      error,
      h("div", { class: "buttons" }, h("a", { class: "button", href: "/sign-in" }, "Leave the page"), submit),
    );
    const dialog = h("dialog", { "aria-labelledby": "again-title", oncancel: (event) => event.preventDefault() }, form);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      submit.disabled = true;
      error.textContent = "";
      try {
        if (challenge) await secondStep(challenge, code.value);
        else challenge = await signIn({ login: login.value.trim(), password: password.value });
        if (challenge && codeRow.hidden) {
          first.hidden = true;
          codeRow.hidden = false;
          code.focus();
        } else {
          await sameAccount();
          dialog.close();
          dialog.remove();
          done();
        }
      } catch (refused) {
        error.textContent = refused.message;
      }
      submit.disabled = false;
    });
    find("body").append(dialog);
    dialog.showModal();
    login.focus();
  });
}

// What was typed by one account is not sent by another.
async function sameAccount() {
  const me = await (await fetch("/api/v1/me", { credentials: "same-origin" })).json();
  if (me.id !== document.body.dataset.account) location.reload();
}
