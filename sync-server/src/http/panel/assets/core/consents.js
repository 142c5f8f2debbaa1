// What a person agreed to, and when: the records, a new one, a withdrawal.

import { get, post } from "./api.js";
import { badge, button, facts, h } from "./dom.js";
import { ask } from "./dialog.js";
import { empty } from "./list.js";
import { fromField, time, toField } from "./time.js";
import { failed, toast } from "./toast.js";
import { plain } from "./words.js";

const METHODS = [
  ["written", "written"],
  ["electronic", "electronic"],
  ["verbal", "verbal"],
  ["imported", "proof is in another system"],
  ["unspecified", "not said"],
];
const method = { name: "method", label: "How", type: "select", choices: METHODS };
const note = {
  name: "note",
  label: "Note",
  type: "textarea",
  max: 1000,
  hint: "Where the proof lies, or what else there is to say.",
};

// The records of a person; `again` is called after a change.
export function consentList(person, { items, may_enroll: mayEnroll, missing, erased_at: erasedAt }, manages, again) {
  const standing = mayEnroll ? h("p", {}, badge("In force", "good")) : h("p", { class: "note bad" }, missing);
  const end = erasedAt && h("p", { class: "note bad" }, "Withdrawn: the person is erased ", time(erasedAt), ".");
  const record =
    manages &&
    h(
      "div",
      {},
      button("Record a consent", () => add(person, again).catch(failed), { picture: "plus" }),
    );
  const list = items.length ? items.map((item) => one(person, item, manages, again)) : empty("No consent is recorded.");
  return [standing, end, list, record];
}

function one(person, item, manages, again) {
  const ended = item.end && [plain(item.end.how), " ", time(item.end.at)];
  return h(
    "article",
    { class: "stack" },
    facts([
      ["Given", time(item.given_at)],
      ["How", plain(item.method)],
      ["By", item.given_by],
      ["Text", item.text_version && `version ${item.text_version}${item.language ? ` (${item.language})` : ""}`],
      ["Note", item.note],
      ["Ended", ended],
    ]),
    manages &&
      !item.end &&
      h(
        "div",
        {},
        button("Withdrawn", () => withdraw(person, item, again).catch(failed), { tone: "danger" }),
      ),
  );
}

async function add(person, again) {
  const text = await get("/api/v1/settings/consent-text").catch(() => null);
  const languages = text ? Object.keys(text.texts) : [];
  const words =
    text &&
    h(
      "details",
      {},
      h("summary", {}, `The text in force (version ${text.version})`),
      Object.entries(text.texts).map(([language, words]) => h("p", { lang: language }, words)),
    );
  const fields = [
    ...(words ? [words] : []),
    method,
    { name: "given_at", label: "When", type: "datetime-local", value: toField(new Date().toISOString()) },
    ...(languages.length > 1
      ? [{ name: "language", label: "Read in", type: "select", choices: languages.map((one) => [one, one]) }]
      : []),
    { name: "given_by", label: "Given by, if not by the person", max: 200 },
    note,
  ];
  const made = await ask("Record a consent", fields, "Record it", (values) =>
    post(`/api/v1/persons/${person}/consents`, { ...values, given_at: fromField(values.given_at) ?? undefined }),
  );
  if (made) {
    toast("Recorded.");
    again();
  }
}

async function withdraw(person, item, again) {
  const intro =
    "From now on no door knows the person, and after the days that the text says they are erased for good. This cannot be undone.";
  const done = await ask(
    "The consent was withdrawn",
    [method, note],
    "Record the withdrawal",
    (values) => post(`/api/v1/persons/${person}/consents/${item.id}/withdraw`, values),
    { intro },
  );
  if (done) {
    toast("Recorded; the devices are told.");
    again();
  }
}
