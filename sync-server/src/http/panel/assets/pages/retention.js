// How long everything is kept, what was removed for its age, and what is due.

import "../core/shell.js";
import { get, post, put } from "../core/api.js";
import { confirm } from "../core/dialog.js";
import { button, find, h, table } from "../core/dom.js";
import { formOf } from "../core/form.js";
import { shown } from "../core/list.js";
import { places } from "../core/places.js";
import { time } from "../core/time.js";
import { during, toast } from "../core/toast.js";
import { may } from "../core/words.js";

const manages = may("settings.manage");
const KINDS = [
  ["events", "Visits", "Who passed, where and when."],
  ["pictures", "Pictures of visits of persons", "And what was reckoned of them."],
  ["strangers", "Pictures of visits of nobody known", "And what was reckoned of them."],
  ["audit", "The audit log", "30 days at least."],
  ["errors", "Errors of the server", ""],
  ["consents", "Records of consents", "Counted from the day the person was erased."],
];
// What is kept by settings of its own.
const OWN = { conversations: "Conversations", commands: "Commands to devices" };
// How often, and how many times at most, it is looked whether what was due is gone.
const LOOK_MS = 1500;
const LOOKS = 20;
const number = new Intl.NumberFormat();
const days = (count) => (count === null || count === undefined ? "for good" : `${count} days`);

// A part with a form for who may set it, and its words for who may not.
function setting(place, path, make) {
  const view = () =>
    shown(
      find(place),
      () => get(path),
      (found) => {
        const { fields, body, words } = make(found);
        if (!manages) return words;
        return formOf(fields, "Save", async (values) => {
          await put(path, body(values), { etag: found.etag });
          toast("Saved. What is older goes within the hour.");
          view();
          report();
        });
      },
    );
  view();
}

const told = (text) => h("p", {}, text);

function kept(found) {
  const name = (kind) => `${kind}_days`;
  return {
    fields: KINDS.map(([kind, label, hint]) => ({
      name: name(kind),
      label: `${label}, days`,
      type: "number",
      min: 0,
      value: found[name(kind)] ?? "",
      hint: `${hint} Empty: for good.`.trim(),
    })),
    body: (values) => Object.fromEntries(KINDS.map(([kind]) => [name(kind), values[name(kind)]])),
    words: table(
      "How long",
      ["What", "Kept"],
      KINDS.map(([kind, label]) => [label, days(found[name(kind)])]),
    ),
  };
}

const reported = () => get("/api/v1/retention/report");
const isDue = (kinds) => kinds.some((one) => one.due);

function report() {
  shown(
    find("#report"),
    reported,
    ({ kinds }) => [
      table(
        "What was removed for its age",
        ["What", "Kept", "Oldest", "Due", "Removed in 30 days"],
        kinds.map((one) => [
          KINDS.find(([kind]) => kind === one.kind)?.[1] || OWN[one.kind] || one.kind,
          days(one.days),
          time(one.oldest, "date") || "there is nothing",
          number.format(one.due),
          number.format(one.removed),
        ]),
      ),
      manages && isDue(kinds) && removal(),
    ],
  );
}

// What is due goes now; the report is asked for until nothing is due, or for as long as somebody may want to wait.
function removal() {
  const remove = async () => {
    if (!(await confirm("Remove what is due?", "It cannot be brought back.", "Remove it"))) return;
    await post("/api/v1/retention/sweep");
    toast("It is being removed.");
    for (let left = LOOKS; left > 0 && isDue((await reported()).kinds); left -= 1) {
      await new Promise((done) => setTimeout(done, LOOK_MS));
    }
    report();
  };
  const pressed = (event) => during(event.currentTarget, remove);
  return h("div", { class: "buttons line" }, button("Remove what is due now", pressed, { tone: "danger" }));
}

async function conversations() {
  const names = await places();
  setting("#conversations", "/api/v1/settings/conversations", (found) => {
    const own = (site) => found.sites.find((one) => one.site === site.id)?.keep_days;
    return {
      fields: [
        {
          name: "keep_days",
          label: "Days after the last word",
          type: "number",
          min: 1,
          required: true,
          value: found.keep_days,
          hint: "Conversations that are held stay however old they are.",
        },
        ...names.sites.map((site) => ({
          name: `site:${site.id}`,
          label: `At ${site.name}, days`,
          type: "number",
          min: 1,
          value: own(site) ?? "",
          hint: "Empty: as everywhere.",
        })),
      ],
      body: (values) => ({
        keep_days: values.keep_days,
        sites: names.sites
          .map((site) => ({ site: site.id, keep_days: values[`site:${site.id}`] }))
          .filter((one) => one.keep_days),
      }),
      words: told(`${found.keep_days} days after the last word.`),
    };
  });
}

setting("#kept", "/api/v1/settings/retention", kept);
setting("#unknowns", "/api/v1/settings/unknowns", (found) => ({
  fields: [
    {
      name: "keep_days",
      label: "Days until faces of unknown visits are forgotten",
      type: "number",
      min: 0,
      required: true,
      value: found.keep_days,
      hint: "0: nobody is put together. The visit itself stays.",
    },
  ],
  body: (values) => values,
  words: told(`${found.keep_days} days.`),
}));
setting("#notifications", "/api/v1/settings/notifications", (found) => ({
  fields: [
    { name: "keep_days", label: "Days notifications are kept", type: "number", min: 1, required: true, value: found.keep_days },
    {
      name: "mails_per_hour",
      label: "The most messages an account is sent within an hour",
      type: "number",
      min: 1,
      required: true,
      value: found.mails_per_hour,
    },
    {
      name: "names_in_mail",
      label: "Messages tell names of persons",
      type: "check",
      value: found.names_in_mail,
      hint: "Mail lies open on many servers.",
    },
    { name: "pictures_in_mail", label: "Messages show pictures", type: "check", value: found.pictures_in_mail },
  ],
  body: (values) => values,
  words: told(`Kept ${found.keep_days} days; names ${found.names_in_mail ? "are" : "are not"} told in messages.`),
}));
conversations();
report();
