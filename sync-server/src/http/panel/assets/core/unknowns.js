// What several pages do with unknown visitors: making a person of one.

import { post } from "./api.js";
import { ask } from "./dialog.js";
import { groupChoices, newPersonFields, personBody } from "./persons.js";
import { toast } from "./toast.js";

export async function promote(item) {
  const done = await ask(
    "Enroll this visitor",
    newPersonFields(await groupChoices()),
    "Enroll",
    (values) => post(`/api/v1/unknowns/${item.id}/promote`, personBody(values)),
    { intro: "Templates are made of the visits’ faces, and the visits follow the person." },
  );
  if (!done) return;
  toast(`${done.visits} visits now belong to ${done.person.name}; ${done.templates} templates were made.`);
  location.assign(`/people/${done.person.id}`);
}
