// Events as they are committed: a WebSocket with a ticket, begun again from the last cursor when it ends, so that nothing
// is lost and nothing comes twice.

import { post } from "./api.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 20000;
const CLOSE_NOT_ALLOWED = 4403;

// `onevent(event)` for each; `onstate(words)` with "live", "connecting", "not-allowed"; `oncursor(cursor)` once the first
// connection is made: what is committed from there on comes. `onunread(count)` is told how many notifications are new.
export function follow({ onevent, onstate, oncursor, onunread }) {
  let cursor = null;
  let wait = FIRST_WAIT_MS;
  let ended = false;
  let socket = null;

  async function connect() {
    if (ended) return;
    onstate("connecting");
    try {
      const { protocol } = await post("/api/v1/live/tickets", undefined, { key: null });
      const query = new URLSearchParams({ cursors: "true", unread: "true", ...(cursor === null ? {} : { after: cursor }) });
      socket = new WebSocket(`wss://${location.host}/api/v1/events/live?${query}`, ["ostiary.live", protocol]);
      socket.addEventListener("message", (message) => hear(JSON.parse(message.data)));
      socket.addEventListener("close", (close) => again(close.code));
    } catch (error) {
      if (error.status === 403) onstate("not-allowed");
      else again(0);
    }
  }

  function hear(told) {
    if (wait !== FIRST_WAIT_MS) wait = FIRST_WAIT_MS;
    if ("unread" in told) {
      onunread?.(told.unread);
      return;
    }
    const isEvent = "id" in told;
    if (!isEvent && "cursor" in told) {
      onstate("live");
      if (cursor === null) oncursor?.(told.cursor);
    }
    if ("cursor" in told && (cursor === null || told.cursor > cursor)) {
      cursor = told.cursor;
      if (isEvent) onevent(told);
    }
  }

  function again(code) {
    if (ended) return;
    if (code === CLOSE_NOT_ALLOWED) {
      onstate("not-allowed");
      return;
    }
    onstate("connecting");
    // Somewhere between half of the wait and all of it, so that all browsers do not come back at once.
    setTimeout(connect, wait * (0.5 + Math.random() / 2));
    wait = Math.min(2 * wait, LONGEST_WAIT_MS);
  }

  addEventListener(
    "pagehide",
    () => {
      ended = true;
      socket?.close();
    },
    { once: true },
  );
  addEventListener("pageshow", (event) => {
    if (event.persisted) {
      ended = false;
      connect();
    }
  });
  connect();
}
