// Dialogs: a question before something that cannot be taken back, a form, something to show.

import { h, find, icon } from "./dom.js";
import { formOf } from "./form.js";
import { copy } from "./toast.js";

let count = 0;

// Opens a dialog around content; the promise is kept when it closes. `make` gets a function that closes it with a value.
export function open(title, make) {
  return new Promise((done) => {
    const id = `dialog-${(count += 1)}`;
    const before = document.activeElement;
    let result;
    const close = (value) => {
      result = value;
      dialog.close();
    };
    const dialog = h("dialog", { "aria-labelledby": id });
    dialog.addEventListener("close", () => {
      dialog.remove();
      before?.focus?.();
      done(result);
    });
    dialog.append(h("div", { class: "dialog" }, h("h2", { id }, title), make(close)));
    find("body").append(dialog);
    dialog.showModal();
  });
}

// Asks first. `details` are lines about what will happen.
export function confirm(title, details, words, { danger = true, typed } = {}) {
  return open(title, (close) => {
    const yes = h(
      "button",
      { type: "button", class: danger ? "danger" : "primary", disabled: Boolean(typed), onclick: () => close(true) },
      words,
    );
    const field =
      typed &&
      h("input", {
        id: "confirm-typed",
        autocomplete: "off",
        oninput: () => {
          yes.disabled = field.value.trim() !== typed;
        },
      });
    return h(
      "div",
      { class: "stack" },
      [details].flat().map((line) => h("p", {}, line)),
      typed && h("div", { class: "row" }, h("label", { for: "confirm-typed" }, `To be sure, type “${typed}”`), field),
      h(
        "div",
        { class: "buttons line" },
        h("button", { type: "button", autofocus: true, onclick: () => close(false) }, "Leave it"),
        yes,
      ),
    );
  });
}

// A form in a dialog: `fields` as of form.js; `save` gets the values, and what it gives is the result.
export function ask(title, fields, words, save, { intro } = {}) {
  return open(title, (close) => {
    const cancel = h("button", { type: "button", onclick: () => close(undefined) }, "Cancel");
    return h(
      "div",
      { class: "stack" },
      intro && h("p", { class: "quiet" }, intro),
      formOf(fields, words, async (values) => close((await save(values)) ?? true), { beside: cancel }),
    );
  });
}

// Shows a secret that is shown only once.
export function secret(title, intro, text, extra) {
  return open(title, (close) =>
    h(
      "div",
      { class: "stack" },
      h("p", {}, intro),
      h(
        "div",
        { class: "secret" },
        h("code", { id: "secret" }, text),
        h("button", { type: "button", onclick: () => copy(text) }, icon("copy"), "Copy"),
      ),
      extra,
      h("p", { class: "hint" }, "It is shown only now."),
      h(
        "div",
        { class: "buttons line" },
        h("button", { type: "button", class: "primary", onclick: () => close() }, "I have it"),
      ),
    ),
  );
}
