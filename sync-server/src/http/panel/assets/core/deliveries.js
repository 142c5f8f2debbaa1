// What was sent of notifications, as a table: where to, what became of it, and another try.

import { post } from "./api.js";
import { badge, button, h } from "./dom.js";
import { rows } from "./list.js";
import { time } from "./time.js";
import { during, toast } from "./toast.js";
import { plain } from "./words.js";

const TONES = { waiting: "look", sent: "good", failed: "bad", held: "" };
const REASONS = { first: "It happened", more: "It happened more often", escalation: "Nobody read it", test: "A test" };
const CHANNELS = { email: "E-mail", webhook: "Webhook", push: "Push" };

// A holder for `paged`; `again()` is called once something was tried again.
export function deliveryRows(again, webhooks = new Map()) {
  const to = (one) => (one.webhook && webhooks.get(one.webhook)) || CHANNELS[one.channel] || plain(one.channel);
  return rows("Messages", ["When", "To", "Why", "State", "Tries", ""], (one) => [
    time(one.created_at),
    one.notification ? h("a", { href: `/notifications/${one.notification}` }, to(one)) : to(one),
    REASONS[one.reason] || plain(one.reason),
    h(
      "span",
      { class: "wrap" },
      badge(plain(one.state), TONES[one.state]),
      one.error && h("span", { class: "small quiet" }, ` ${one.error}`),
      one.next_at && h("span", { class: "small quiet" }, " next ", time(one.next_at, "ago")),
    ),
    String(one.attempts),
    ["failed", "held"].includes(one.state) &&
      button("Try again", (event) =>
        during(event.currentTarget, async () => {
          await post(`/api/v1/deliveries/${one.id}/retry`);
          toast("It is tried again.");
          again();
        }),
      ),
  ]);
}
