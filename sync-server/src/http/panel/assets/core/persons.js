// What several pages need of persons: groups, and the fields of a new one.

import { get } from "./api.js";
import { fromField } from "./time.js";

// Groups as choices.
export async function groupChoices() {
  return (await get("/api/v1/groups")).items.map((group) => [group.id, group.name]);
}

export function newPersonFields(groups) {
  return [
    { name: "name", label: "Name", required: true, max: 100 },
    {
      name: "groups",
      label: "Groups",
      type: "checks",
      choices: groups,
      none: "There are no groups yet. Doors that know everybody know the person.",
    },
    { name: "valid_from", label: "Known from", type: "datetime-local", hint: "Empty: at once." },
    { name: "valid_until", label: "Known until", type: "datetime-local", hint: "Empty: without end." },
    {
      name: "consent",
      label: "The person has consented to be recognised",
      type: "check",
      hint: "Without consent nobody is enrolled.",
    },
  ];
}

export function personBody(values) {
  const body = { name: values.name, groups: values.groups || [], consent: values.consent };
  for (const name of ["valid_from", "valid_until"]) if (values[name]) body[name] = fromField(values[name]);
  return body;
}
