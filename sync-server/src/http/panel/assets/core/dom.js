// Making elements. Text is only ever text: nothing here or elsewhere makes markup of a string.

const SVG = "http://www.w3.org/2000/svg";

// An element with properties and children. `on…` are listeners, `data`/`aria` are objects, `class` is a string, true and
// false set and leave out an attribute; children are nodes, texts, lists of those, and nothing.
export function h(tag, properties = {}, ...children) {
  return filled(document.createElement(tag), properties, children);
}

// The same of SVG.
export function s(tag, properties = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), properties, children);
}

export function icon(name) {
  return s("svg", { class: "icon", "aria-hidden": "true" }, s("use", { href: `#i-${name}` }));
}

export function badge(words, tone = "") {
  return h("span", { class: `badge ${tone}` }, words);
}

// The first element that fits; a page without it is a mistake of ours.
export function find(selector, within = document) {
  const found = within.querySelector(selector);
  if (!found) throw new Error(`there is no ${selector}`);
  return found;
}

export function button(words, onclick, { picture, tone = "", ...more } = {}) {
  return h("button", { type: "button", class: tone, onclick, ...more }, picture && icon(picture), words);
}

// Facts as a list of terms; those without a value are left out.
export function facts(pairs) {
  const told = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h(
    "dl",
    { class: "facts" },
    told.map(([term, value]) => [h("dt", {}, term), h("dd", {}, value)]),
  );
}

// A table; `columns` are headings, rows are lists of cells.
export function table(caption, columns, rows) {
  const heads = columns.map((column) => h("th", { scope: "col" }, column || h("span", { class: "unseen" }, "Actions")));
  const cells = (row) =>
    h(
      "tr",
      {},
      row.map((cell, at) => h("td", { class: columns[at] ? "" : "actions" }, cell)),
    );
  return h(
    "div",
    { class: "table-wrap", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      {},
      h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, heads)),
      h("tbody", {}, rows.map(cells)),
    ),
  );
}

function filled(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "value" && "value" in element) element.value = value;
    else if (value === true) element.setAttribute(name, "");
    // An empty alternative text says that a picture only repeats what is said beside it.
    else if (value !== false && value !== null && value !== undefined && (value !== "" || name === "alt"))
      element.setAttribute(name, value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}
