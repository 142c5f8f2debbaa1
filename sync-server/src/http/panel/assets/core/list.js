// Lists that come in pages, with every state a list can be in: loading, empty, failed, more, at its end.

import { h, button } from "./dom.js";
import { Problem } from "./api.js";

// Something in place of content while it loads, or the reason why there is none.
export async function shown(place, load, make) {
  place.replaceChildren(loading());
  try {
    place.replaceChildren(...[await make(await load())].flat(Infinity).filter(Boolean));
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!(error instanceof Problem)) console.error(error);
    place.replaceChildren(broken(error, () => shown(place, load, make)));
  }
}

export function loading() {
  return h("div", { class: "state loading", role: "status" }, h("span", { class: "unseen" }, "Loading"));
}

export function empty(words, ...more) {
  return h("div", { class: "state" }, h("p", {}, words), more);
}

export function broken(error, again) {
  const words =
    error instanceof Problem ? error.message : "This page has a mistake. Load it again; if it stays, tell an admin.";
  return h("div", { class: "state", role: "alert" }, h("p", {}, words), again && button("Try again", again));
}

// A list that goes on. `load(next)` gives `{ items, next }`; `begin(items)` makes what holds the first ones and returns
// `{ element, add(items) }`; `none()` is shown if there are none.
export function paged(place, { load, begin, none, end = "That is all." }) {
  let holder = null;
  let turn = 0;
  const below = h("div", {});
  async function more(next, mine) {
    below.replaceChildren(loading());
    try {
      const page = await load(next);
      if (mine !== turn) return;
      if (holder) holder.add(page.items);
      else if (page.items.length) {
        holder = begin(page.items);
        place.replaceChildren(holder.element, below);
      } else {
        place.replaceChildren(none());
        return;
      }
      below.replaceChildren(
        page.next
          ? h(
              "div",
              { class: "state small-state" },
              button("Show more", () => more(page.next, mine)),
            )
          : h("p", { class: "state small-state" }, end),
      );
    } catch (error) {
      if (error.name === "AbortError" || mine !== turn) return;
      if (!(error instanceof Problem)) console.error(error);
      below.replaceChildren(broken(error, () => more(next, mine)));
      if (!holder) place.replaceChildren(below);
    }
  }
  const reload = () => {
    holder = null;
    turn += 1;
    place.replaceChildren(loading());
    return more(undefined, turn);
  };
  return { reload, first: reload() };
}

// A holder for `paged` of rows in a table.
export function rows(caption, columns, row) {
  return (items) => {
    const body = h("tbody", {});
    const cells = (item) =>
      h(
        "tr",
        {},
        row(item).map((cell, at) => h("td", { class: columns[at] ? "" : "actions" }, cell)),
      );
    const add = (more) => body.append(...more.map(cells));
    add(items);
    const heads = columns.map((column) =>
      h("th", { scope: "col" }, column || h("span", { class: "unseen" }, "Actions")),
    );
    const element = h(
      "div",
      { class: "table-wrap", tabindex: "0", role: "region", "aria-label": caption },
      h("table", {}, h("caption", { class: "unseen" }, caption), h("thead", {}, h("tr", {}, heads)), body),
    );
    return { element, add };
  };
}

// A holder for `paged` of cards.
export function cards(kind, card) {
  return (items) => {
    const element = h(
      "ul",
      { class: kind },
      items.map((item) => h("li", {}, card(item))),
    );
    return { element, add: (more) => element.append(...more.map((item) => h("li", {}, card(item)))) };
  };
}
