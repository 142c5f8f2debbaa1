// What every page does: the menu, light and dark, signing out.

import { post } from "./api.js";
import { find, h } from "./dom.js";
import { failed, toast } from "./toast.js";
import { listen } from "./unread.js";

const THEMES = ["", "light", "dark"];
const WORDS = { "": "As the system", light: "Light", dark: "Dark" };

function menu() {
  const side = find("#nav");
  const opener = find(".menu-button");
  const set = (open) => {
    side.classList.toggle("open", open);
    opener.setAttribute("aria-expanded", String(open));
  };
  opener.addEventListener("click", () => set(!side.classList.contains("open")));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && side.classList.contains("open")) {
      set(false);
      opener.focus();
    }
  });
  side.append(h("ul", { class: "me-link" }, h("li", {}, h("a", { href: "/me" }, "My account"))));
}

function theme() {
  find("#theme").addEventListener("click", () => {
    const root = document.documentElement;
    const next = THEMES[(THEMES.indexOf(root.dataset.theme || "") + 1) % THEMES.length];
    if (next) root.dataset.theme = next;
    else delete root.dataset.theme;
    document.cookie = `ostiary-theme=${next}; Path=/; Secure; SameSite=Lax; Max-Age=${next ? 31536000 : 0}`;
    toast(WORDS[next]);
  });
}

function out() {
  find("#sign-out").addEventListener("click", async () => {
    try {
      await post("/api/v1/auth/logout");
      location.assign("/sign-in");
    } catch (error) {
      failed(error);
    }
  });
}

menu();
theme();
out();
// The live wall hears of it with its visits, over one connection for both.
if (location.pathname !== "/") listen();
