// Short messages at the edge of the page. They are read aloud, and go by themselves unless something can be done.

import { h, find } from "./dom.js";

const STAYS_MS = 6000;

// `action` is `[words, what to do]`, as for taking back what was done.
export function toast(words, { tone = "", action } = {}) {
  const close = () => shown.remove();
  const shown = h(
    "div",
    { class: `toast ${tone}` },
    h("p", {}, words),
    action &&
      h(
        "button",
        {
          type: "button",
          onclick: () => {
            close();
            action[1]();
          },
        },
        action[0],
      ),
    h("button", { type: "button", "aria-label": "Close this message", onclick: close }, "✕"),
  );
  find("#toasts").append(shown);
  const time = tone === "bad" || action ? 2.5 * STAYS_MS : STAYS_MS;
  setTimeout(close, time);
  return close;
}

export function failed(error) {
  if (error.name === "AbortError") return;
  toast(error.message, { tone: "bad" });
}

// Runs what a button does: busy meanwhile, and a refusal is told.
export async function during(button, work) {
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    return await work();
  } catch (error) {
    failed(error);
    return undefined;
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
}

export async function copy(text) {
  await navigator.clipboard.writeText(text);
  toast("Copied.");
}
