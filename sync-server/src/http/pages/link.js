// The secret stands behind the link's `#`, which the browser sends to nobody. It is taken out of the address at once, so
// that it does not stay in the history.
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

const form = document.querySelector("form");
const status = document.querySelector("[role=status]");

function body() {
  const values = Object.fromEntries(new FormData(form));
  if (!("login" in values)) return { token, password: values.password };
  const account = { login: values.login, password: values.password };
  if (values.name) account.name = values.name;
  return { token, account };
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  status.textContent = "One moment …";
  try {
    const response = await fetch(form.dataset.path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body()),
      credentials: "omit",
    });
    if (response.ok) {
      form.remove();
      status.textContent = "Done. You can log in now.";
      return;
    }
    const problem = await response.json();
    status.textContent = problem.detail;
  } catch {
    status.textContent = "The server cannot be reached. Try again.";
  }
  button.disabled = false;
});

if (!token) {
  form.remove();
  status.textContent = "This link is not complete: open it as it was sent, with what stands behind the #.";
}
