// Forms: fields from a description, values as the API takes them, refusals at the field they are about.

import { h, find } from "./dom.js";

let count = 0;

// A field: `{ name, label, type, hint, required, value, choices, max, … }`. `type` is that of an input, or `select`,
// `checks`, `check`, `textarea`. `choices` are `[value, words]`.
export function field(of) {
  const id = `field-${(count += 1)}`;
  const hint = of.hint && h("p", { class: "hint", id: `${id}-hint` }, of.hint);
  const common = { id, name: of.name, required: of.required, "aria-describedby": hint ? `${id}-hint` : null };
  if (of.type === "check") {
    return h(
      "div",
      { class: "row" },
      h(
        "label",
        { class: "check" },
        h("input", { ...common, type: "checkbox", checked: Boolean(of.value) }),
        h("span", {}, of.label),
      ),
      hint,
    );
  }
  if (of.type === "checks") {
    const chosen = of.value || [];
    const box = ([value, words]) =>
      h(
        "label",
        { class: "check" },
        h("input", { type: "checkbox", name: of.name, value, checked: chosen.includes(value) }),
        h("span", {}, words),
      );
    return h(
      "fieldset",
      { data: { list: of.name } },
      h("legend", {}, of.label),
      of.choices.map(box),
      of.choices.length ? null : h("p", { class: "hint" }, of.none || "There are none yet."),
      hint,
    );
  }
  return h("div", { class: "row" }, h("label", { for: id }, of.label), input(of, common), hint);
}

function input(of, common) {
  if (of.type === "select") {
    const made = h(
      "select",
      common,
      of.choices.map(([value, words]) => h("option", { value, selected: value === of.value }, words)),
    );
    if (of.value !== undefined && of.value !== null) made.value = of.value;
    return made;
  }
  if (of.type === "textarea") return h("textarea", { ...common, maxlength: of.max, value: of.value || "" });
  const more = {
    type: of.type || "text",
    maxlength: of.max,
    min: of.min,
    step: of.step,
    autocomplete: of.autocomplete || "off",
    value: of.value ?? "",
  };
  return h("input", { ...common, ...more });
}

// A form whose `save` gets the values; beside the button stands what is given.
export function formOf(fields, words, save, { beside, tone = "primary" } = {}) {
  const form = h(
    "form",
    { class: "stack", novalidate: true },
    fields.map((of) => (of instanceof Node ? of : field(of))),
    h("p", { class: "form-error", role: "alert" }),
    h("div", { class: "line" }, h("button", { class: tone }, words), beside),
  );
  submits(form, save);
  return form;
}

// Has a form of the page call `save` with its values, and shows what comes of it.
export function submits(form, save) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = find("button:not([type=button])", form);
    clear(form);
    if (!complete(form)) return;
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
    try {
      await save(valuesOf(form));
    } catch (error) {
      if (!(error instanceof Error) || error.name === "AbortError") throw error;
      tell(form, error);
    } finally {
      button.disabled = false;
      button.removeAttribute("aria-busy");
    }
  });
}

// Texts by name, trimmed unless they are passwords; ticks as booleans; lists of ticks as lists.
export function valuesOf(form) {
  const values = {};
  for (const element of form.elements) {
    if (!element.name) continue;
    if (element.type === "checkbox" && element.closest("[data-list]")) continue;
    if (element.type === "checkbox") values[element.name] = element.checked;
    else if (element.type === "radio") {
      if (element.checked) values[element.name] = element.value;
    } else if (element.type === "number") values[element.name] = element.value === "" ? null : Number(element.value);
    else values[element.name] = element.type === "password" ? element.value : element.value.trim();
  }
  for (const list of form.querySelectorAll("[data-list]")) {
    values[list.dataset.list] = [...list.querySelectorAll("input:checked")].map((box) => box.value);
  }
  return values;
}

function complete(form) {
  const missing = [...form.elements].filter((element) => element.willValidate && !element.checkValidity());
  for (const element of missing) mark(element, element.validationMessage);
  missing[0]?.focus();
  return missing.length === 0;
}

function tell(form, error) {
  const about = (field) => {
    const name =
      (field.pointer || "")
        .split("/")
        .filter(Boolean)
        .find((part) => form.elements[part]) || field.parameter;
    const element = name && form.elements[name];
    return element instanceof Element ? element : null;
  };
  const marked = (error.fields || []).filter((field) => {
    const element = about(field);
    if (element) mark(element, field.detail);
    return element;
  });
  if (marked.length) about(marked[0]).focus();
  find(".form-error", form).textContent = marked.length && marked.length === error.fields.length ? "" : error.message;
}

function mark(element, words) {
  const id = `${element.id || element.name}-error`;
  element.setAttribute("aria-invalid", "true");
  element.setAttribute("aria-errormessage", id);
  element.closest(".row, fieldset")?.append(h("p", { class: "field-error", id }, words));
}

function clear(form) {
  for (const words of form.querySelectorAll(".field-error")) words.remove();
  for (const element of form.querySelectorAll("[aria-invalid]")) {
    element.removeAttribute("aria-invalid");
    element.removeAttribute("aria-errormessage");
  }
  find(".form-error", form).textContent = "";
}
