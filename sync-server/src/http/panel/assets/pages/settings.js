// Settings of the installation: its name and zone, how strict recognition is, the text of the consent, fields of persons.

import "../core/shell.js";
import { get, put } from "../core/api.js";
import { button, facts, find, h, table } from "../core/dom.js";
import { ask, confirm } from "../core/dialog.js";
import { formOf } from "../core/form.js";
import { empty, shown } from "../core/list.js";
import { outlook, recognitionBody, recognitionFields } from "../core/recognition.js";
import { time } from "../core/time.js";
import { failed, toast } from "../core/toast.js";
import { may, plain, score } from "../core/words.js";

const manages = may("settings.manage");
const KINDS = [
  ["text", "A text"],
  ["number", "A number"],
  ["date", "A day"],
  ["choice", "One of a few"],
];

function general() {
  return shown(
    find("#general"),
    () => get("/api/v1/settings/general"),
    (found) => {
      if (!manages)
        return facts([
          ["Name", found.name],
          ["Time zone", found.time_zone],
        ]);
      const zones = Intl.supportedValuesOf("timeZone");
      const choices = [...new Set([found.time_zone, "UTC", ...zones])].map((zone) => [zone, zone]);
      return formOf(
        [
          { name: "name", label: "Name", required: true, max: 100, value: found.name },
          {
            name: "time_zone",
            label: "Time zone of the doors",
            type: "select",
            choices,
            value: found.time_zone,
            hint: "By it days are counted; pages show your own zone as well.",
          },
        ],
        "Save",
        async (values) => {
          await put("/api/v1/settings/general", values, { etag: found.etag });
          toast("Saved.");
          general();
        },
      );
    },
  );
}

function recognition() {
  return shown(
    find("#recognition"),
    () => get("/api/v1/settings/recognition"),
    (found) => {
      const words = [
        outlook(found.outlook),
        facts([
          ["Threshold", score(found.outlook.threshold)],
          ["Margin", score(found.outlook.margin)],
          ["Lookalikes are told from", score(found.lookalike_similarity_in_force)],
          ["Model pack", found.outlook.pack],
        ]),
      ];
      if (!manages) return words;
      return [
        words,
        formOf(recognitionFields(found.settings, true), "Save", async (values) => {
          await put("/api/v1/settings/recognition", recognitionBody(values), { etag: found.etag });
          toast("Saved; the devices are told.");
          recognition();
        }),
      ];
    },
  );
}

function fields() {
  return shown(
    find("#fields"),
    () => get("/api/v1/settings/person-fields"),
    (found) => {
      const save = async (list, words) => {
        await put("/api/v1/settings/person-fields", { fields: list }, { etag: found.etag });
        toast(words);
        fields();
      };
      const drop = async (field) => {
        if (
          await confirm(
            `Remove the field ${field.label}?`,
            "What persons have in it is removed with it.",
            "Remove the field",
          )
        )
          await save(
            found.fields.filter((other) => other !== field),
            "The field is removed.",
          );
      };
      const list = found.fields.length
        ? table(
            "Fields of persons",
            ["Field", "Name in the API", "Kind", ...(manages ? [""] : [])],
            found.fields.map((field) => [
              field.label,
              h("code", {}, field.key),
              plain(field.kind),
              ...(manages
                ? [
                    button("Remove", () => drop(field).catch(failed), {
                      tone: "plain",
                      "aria-label": `Remove ${field.label}`,
                    }),
                  ]
                : []),
            ]),
          )
        : empty("Persons have a name, groups, validity and notes. Fields of your own can be added.");
      const add = async () => {
        const made = await ask(
          "A new field",
          [
            { name: "label", label: "What people read", required: true, max: 100 },
            {
              name: "key",
              label: "Name in the API",
              required: true,
              max: 40,
              hint: "Lower-case letters, digits and _, beginning with a letter.",
            },
            { name: "kind", label: "Kind", type: "select", choices: KINDS },
            { name: "choices", label: "Choices, one a line (of “one of a few”)", type: "textarea" },
          ],
          "Add",
          async ({ label, key, kind, choices }) => {
            const more =
              kind === "choice"
                ? {
                    choices: choices
                      .split("\n")
                      .map((line) => line.trim())
                      .filter(Boolean),
                  }
                : {};
            await save([...found.fields, { label, key, kind, ...more }], "The field is added.");
          },
        );
        return made;
      };
      return [
        list,
        manages &&
          h(
            "div",
            {},
            button("New field", () => add().catch(failed), { picture: "plus" }),
          ),
      ];
    },
  );
}

function consent() {
  return shown(
    find("#consent"),
    () => get("/api/v1/settings/consent-text"),
    (found) => {
      const words = [
        facts([
          ["Version", String(found.version)],
          ["Set", time(found.set_at)],
          ["After a withdrawal erased in", `${found.erase_after_days} days`],
        ]),
        Object.entries(found.texts).map(([language, text]) =>
          h("details", {}, h("summary", {}, language), h("p", { lang: language, class: "words" }, text)),
        ),
      ];
      if (!manages) return words;
      const fields = [
        ...Object.entries(found.texts).map(([language, text]) => ({
          name: `text:${language}`,
          label: `Text (${language})`,
          type: "textarea",
          max: 20000,
          value: text,
          hint: "Empty: the language is taken out.",
        })),
        { name: "language", label: "Another language", max: 35, hint: "For example de-AT." },
        { name: "text", label: "Its text", type: "textarea", max: 20000 },
        {
          name: "erase_after_days",
          label: "Days from a withdrawal to the erasure",
          type: "number",
          min: 0,
          value: found.erase_after_days,
          required: true,
        },
        { name: "renews", label: "Who agreed to earlier versions has to agree anew before new photos", type: "check" },
      ];
      const form = formOf(fields, "Set a new version", async (values) => {
        const texts = Object.fromEntries(
          Object.keys(found.texts)
            .map((language) => [language, values[`text:${language}`]])
            .concat([[values.language, values.text]])
            .filter(([language, text]) => language && text),
        );
        await put(
          "/api/v1/settings/consent-text",
          { texts, renews: values.renews, erase_after_days: values.erase_after_days },
          { etag: found.etag },
        );
        toast("The new text is in force.");
        consent();
      });
      return [words, h("details", {}, h("summary", {}, "Change the text"), form)];
    },
  );
}

general();
consent();
recognition();
fields();
