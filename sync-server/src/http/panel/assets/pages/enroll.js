// Enrolling: who, and then how: by this computer's camera, by photos, by a clip, at a door.

import "../core/shell.js";
import { get, post } from "../core/api.js";
import { find, h, icon } from "../core/dom.js";
import { formOf } from "../core/form.js";
import { shown } from "../core/list.js";
import { tabs } from "../core/page.js";
import { groupChoices, newPersonFields, personBody } from "../core/persons.js";
import { camera } from "../enroll/camera.js";
import { clip } from "../enroll/clip.js";
import { atDoor } from "../enroll/door.js";
import { dropping } from "../enroll/drop.js";

const who = find("#who");

// The person is there: from here on pictures are taken.
function chosen(person) {
  history.replaceState(null, "", `/enroll?person=${person.id}${location.hash}`);
  who.replaceChildren(
    h(
      "div",
      { class: "line spread" },
      h("h2", {}, person.name),
      h(
        "div",
        { class: "line" },
        h("a", { class: "button", href: `/people/${person.id}` }, "To the person"),
        h("a", { class: "button", href: "/enroll" }, icon("plus"), "Somebody else"),
      ),
    ),
  );
  if (!person.consent_at) {
    who.append(h("p", { class: "note bad" }, "This person has not consented: no pictures can be taken."));
    return;
  }
  find("#ways").hidden = false;
  tabs(find("[role=tablist]"), {
    "by-drop": () => dropping(find("#by-drop"), person.id),
    "by-camera": () => camera(find("#by-camera"), person.id),
    "by-clip": () => clip(find("#by-clip"), person.id),
    "by-door": () => atDoor(find("#by-door"), person.id),
  });
}

async function choose() {
  const groups = await groupChoices();
  const form = formOf(newPersonFields(groups), "Go on to the pictures", async (values) => {
    const person = await post("/api/v1/persons", personBody(values));
    chosen(person);
    find("#ways").querySelector("[role=tab]").focus();
  });
  return [
    h("h2", {}, "Who?"),
    h(
      "p",
      { class: "quiet" },
      "Somebody new. To add pictures of somebody who is enrolled, start from ",
      h("a", { href: "/people" }, "their page"),
      ".",
    ),
    form,
  ];
}

const asked = new URLSearchParams(location.search).get("person");
if (asked)
  shown(
    who,
    () => get(`/api/v1/persons/${encodeURIComponent(asked)}`),
    (person) => {
      setTimeout(() => chosen(person));
      return [];
    },
  );
else shown(who, () => null, choose);
