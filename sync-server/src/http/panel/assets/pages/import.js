// Persons and photos from another system, first as a dry run.

import "../core/shell.js";
import { Problem, ask, query } from "../core/api.js";
import { find, h } from "../core/dom.js";
import { formOf } from "../core/form.js";

const KINDS = {
  zip: "application/zip",
  csv: "text/csv",
  jsonl: "application/x-ndjson",
  ndjson: "application/x-ndjson",
};

const file = h("input", { type: "file", id: "file", name: "file", accept: ".zip,.csv,.jsonl,.ndjson", required: true });
const fields = [
  h("div", { class: "row" }, h("label", { for: "file" }, "File"), file),
  {
    name: "columns",
    label: "Names of columns, if they are others",
    hint: "For example name=Full name;groups=Departments.",
  },
  { name: "consent", label: "Everybody in the file has consented, and the proof is kept", type: "check" },
  { name: "insist", label: "Take faces that are not those of a person’s other photos, too", type: "check" },
  { name: "dry_run", label: "Only a dry run: nothing is changed", type: "check", value: true },
];

find("#form").append(
  formOf(fields, "Send it", async (values) => {
    const chosen = file.files[0];
    const kind = KINDS[chosen.name.split(".").pop().toLowerCase()];
    if (!kind) throw new Problem(422, { detail: "The file must end in .zip, .csv or .jsonl." });
    const asked = query({
      dry_run: values.dry_run,
      insist: values.insist,
      consent: values.consent,
      columns: values.columns,
    });
    const made = await ask("POST", `/api/v1/imports${asked}`, new Blob([chosen], { type: kind }));
    location.assign(`/jobs/${made.job}`);
  }),
);
