// Model packs: what their states are called, and what may be done in each.

import { badge } from "./dom.js";

const STATES = {
  installed: ["Installed", "", "It is here; nothing was made with it yet."],
  shadow: ["Making templates", "accent", "Its templates are being made of kept pictures. Doors notice nothing."],
  comparing: ["Ready to be tried", "look", "Its templates are kept complete. No door uses it."],
  staged: ["Being tried", "accent", "Some doors use it."],
  active: ["In force", "good", "Every door uses it that is not told another."],
  retired: ["At hand", "", "It was in force before, and is kept complete: one can go back at once."],
};

export function packState(word) {
  const [words, tone] = STATES[word] || [word, ""];
  return badge(words, tone);
}

export const packWords = (word) => (STATES[word] || ["", "", ""])[2];

// Where a pack's page is. Its id is of letters, digits, `-`, `.`, `_` and one `@`.
export const packPage = (id) => `/packs/${id}`;
