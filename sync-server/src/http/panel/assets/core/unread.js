// How many notifications are new: at the bell above, and said aloud when there are more.

import { find, h } from "./dom.js";
import { toast } from "./toast.js";

const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 60000;

let known = null;

// Shows a count. More than before is told, but not what was there when the page came.
export function count(unread) {
  const bell = find("#bell");
  const shown = find(".count", bell);
  shown.hidden = unread === 0;
  shown.textContent = unread > 99 ? "99+" : String(unread);
  find(".unseen", bell).textContent = unread ? `Notifications, ${unread} new` : "Notifications";
  if (known !== null && unread > known && location.pathname !== "/notifications")
    toast("There is a new notification.", { action: ["Look", () => location.assign("/notifications")] });
  const changed = known !== null && unread !== known;
  known = unread;
  if (changed) document.dispatchEvent(new CustomEvent("unread", { detail: unread }));
}

// Listens while the page is to be seen: pages in the background hold no connection.
export function listen() {
  let source = null;
  let wait = FIRST_WAIT_MS;
  let timer = 0;
  const stop = () => {
    source?.close();
    source = null;
    clearTimeout(timer);
  };
  const start = () => {
    stop();
    if (document.hidden) return;
    source = new EventSource("/api/v1/notifications/live");
    source.addEventListener("message", (message) => {
      wait = FIRST_WAIT_MS;
      count(JSON.parse(message.data).unread);
    });
    source.addEventListener("error", () => {
      // Whatever it was, it is tried again later, and not by all browsers at once.
      stop();
      timer = setTimeout(start, wait * (0.5 + Math.random() / 2));
      wait = Math.min(2 * wait, LONGEST_WAIT_MS);
    });
  };
  document.addEventListener("visibilitychange", start);
  addEventListener("pagehide", stop);
  start();
}

// The count as a badge.
export function newBadge(unread) {
  return unread ? h("span", { class: "badge accent" }, `${unread} new`) : null;
}
