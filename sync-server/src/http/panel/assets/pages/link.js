// Pages that make an account or a password. The secret of a link stands behind its `#`, which the browser sends to nobody;
// it is taken out of the address at once, so that it does not stay in the history.

import { find } from "../core/dom.js";
import { submits } from "../core/form.js";
import { guest, signIn } from "../core/session.js";

const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

const form = find("#form");
const done = find(".done");
const wantsSecret = "secret" in form.dataset;

function body(values) {
  const secret = wantsSecret ? { token } : {};
  if (!("login" in values)) return { ...secret, password: values.password };
  const account = { login: values.login, password: values.password };
  for (const name of ["name", "email"]) if (values[name]) account[name] = values[name];
  return wantsSecret ? { ...secret, account } : account;
}

submits(form, async (values) => {
  await guest(form.dataset.path, body(values));
  if ("signIn" in form.dataset) {
    await signIn({ login: values.login, password: values.password });
    location.replace("/");
    return;
  }
  form.remove();
  done.textContent = form.dataset.done;
});

if (wantsSecret && !token) {
  form.remove();
  done.textContent = "This link is not complete: open it as it was sent, with what stands behind the #.";
}
