// Persons removed, and which devices have confirmed it.

import "../core/shell.js";
import { ask, get, query } from "../core/api.js";
import { badge, button, find, h, table } from "../core/dom.js";
import { save } from "../core/csv.js";
import { open } from "../core/dialog.js";
import { empty, paged, rows } from "../core/list.js";
import { time } from "../core/time.js";
import { during, failed } from "../core/toast.js";
import { plain, state } from "../core/words.js";

const PAGE = 50;

function standing(erasure) {
  if (erasure.completed_at) return badge("Complete", "good");
  return badge(`Waits for ${erasure.waiting} of ${erasure.devices} devices`, "look");
}

async function detail(id) {
  const erasure = await get(`/api/v1/erasures/${id}`);
  await open("Erasure", (close) =>
    h(
      "div",
      { class: "stack" },
      table(
        "Devices",
        ["Device", "State", "Confirmed"],
        erasure.device_states.map((device) => [device.name, state(device.state), time(device.confirmed_at)]),
      ),
      h(
        "div",
        { class: "line" },
        button("Close", () => close(), { tone: "primary" }),
      ),
    ),
  );
}

async function receipt(id) {
  save(
    `erasure-${id}.txt`,
    await ask("GET", `/api/v1/erasures/${id}/receipt`, undefined, { as: "blob" }),
    "text/plain",
  );
}

paged(find("#list"), {
  load: (before) => get(`/api/v1/erasures${query({ limit: PAGE, before })}`),
  begin: rows("Erasures", ["Key destroyed", "Why", "State", "Visits made nameless", ""], (item) => [
    time(item.key_destroyed_at),
    plain(item.reason),
    standing(item),
    String(item.events),
    h(
      "span",
      {},
      button("Devices", () => detail(item.id).catch(failed), { tone: "plain" }),
      button("Receipt", (event) => during(event.currentTarget, () => receipt(item.id)), {
        tone: "plain",
        picture: "download",
      }),
    ),
  ]),
  none: () => empty("Nobody was removed."),
});
