// Signing in: name and password, then the second factor if there is one.

import { csrf } from "../core/api.js";
import { find } from "../core/dom.js";
import { submits } from "../core/form.js";
import { guest, secondStep, signIn } from "../core/session.js";
import { toast } from "../core/toast.js";

const first = find("#sign-in");
const second = find("#second-step");
let challenge = null;

// Only to pages of ours: a path that begins with one slash.
function next() {
  const wanted = new URLSearchParams(location.search).get("next") || "/";
  const url = new URL(wanted, location.origin);
  return url.origin === location.origin && /^\/(?![/\\])/.test(wanted) ? url.pathname + url.search : "/";
}

function step(isSecond) {
  first.hidden = isSecond;
  second.hidden = !isSecond;
  find("input", isSecond ? second : first).focus();
}

submits(first, async ({ login, password }) => {
  challenge = await signIn({ login, password });
  if (challenge) step(true);
  else location.replace(next());
});

submits(second, async ({ code }) => {
  await secondStep(challenge, code);
  location.replace(next());
});

find("#back").addEventListener("click", () => step(false));

submits(find("#forgotten"), async ({ login }) => {
  const { next: words } = await guest("/api/v1/auth/password-reset", { login });
  toast(words);
});

// A link from another site arrives without the session's cookie, which is for pages of ours alone; from here it is sent.
if (csrf() && (await fetch("/api/v1/me", { credentials: "same-origin" })).ok) location.replace(next());
else step(false);
