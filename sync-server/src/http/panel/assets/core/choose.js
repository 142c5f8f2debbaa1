// Finding a person by name, as a part of a form: `name` is what the chosen id is called among the form's values.

import { get, query } from "./api.js";
import { h } from "./dom.js";

const OFFERED = 20;
let count = 0;

export function personChoice(name, { label = "Who", none = "Choose", required = true, but } = {}) {
  const id = `choose-${(count += 1)}`;
  const list = h("select", { name, id, required }, h("option", { value: "" }, none));
  const first = list.firstChild;
  const search = h("input", {
    type: "search",
    id: `${id}-name`,
    autocomplete: "off",
    oninput: async () => {
      const wanted = search.value;
      const found = wanted ? (await get(`/api/v1/persons${query({ name: wanted, limit: OFFERED })}`)).items : [];
      // What was typed meanwhile has an answer of its own.
      if (wanted !== search.value) return;
      const others = found.filter((person) => person.id !== but);
      list.replaceChildren(first, ...others.map((person) => h("option", { value: person.id }, person.name)));
      if (others.length === 1) list.value = others[0].id;
    },
  });
  return [
    h("div", { class: "row" }, h("label", { for: search.id }, "Find by name"), search),
    h("div", { class: "row" }, h("label", { for: id }, label), list),
  ];
}
