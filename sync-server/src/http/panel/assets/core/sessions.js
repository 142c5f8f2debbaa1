// Sessions as a table, with a way to end each.

import { badge, button, h, table } from "./dom.js";
import { empty } from "./list.js";
import { time } from "./time.js";
import { during, toast } from "./toast.js";

export function sessionTable(items, end, again) {
  const going = items.filter((session) => !session.ended_at);
  if (!going.length) return empty("There are no sessions.");
  const row = (session) => [
    h("span", { class: "wrap" }, session.user_agent || "unknown program"),
    session.address,
    time(session.last_used_at, "ago"),
    session.current
      ? badge("This one", "accent")
      : end &&
        button(
          "End",
          (event) =>
            during(event.currentTarget, async () => {
              await end(session);
              toast("The session has ended.");
              again();
            }),
          { tone: "plain" },
        ),
  ];
  return table("Sessions", ["Program", "From", "Last used", ""], going.map(row));
}
