// One conversation by itself, as links from mails and the notification centre lead to it.

import "../core/shell.js";
import { find, h } from "../core/dom.js";
import { idOfPage } from "../core/page.js";
import { places } from "../core/places.js";
import { threadView } from "../core/thread.js";
import { subjectPath, title } from "../core/titles.js";

const names = await places();
threadView(find("#conversation"), idOfPage(), (thread) => {
  const words = [title(thread, names)].flat();
  find("h1").replaceChildren(...words.filter(Boolean));
  find("#about").replaceChildren(h("a", { href: subjectPath(thread) }, "What it is about"));
});
