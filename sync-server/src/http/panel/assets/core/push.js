// This browser taking messages while no page is open (Web Push).

import { get, post, remove } from "./api.js";
import { badge, button, h } from "./dom.js";
import { empty, shown } from "./list.js";
import { time } from "./time.js";
import { during, toast } from "./toast.js";

const WORKER = "/sw.js";

// The one address this page may register a worker from; the security policy of the page lets nobody make another.
const policy = globalThis.trustedTypes?.createPolicy("ostiary-worker", {
  createScriptURL: (url) => {
    if (url !== WORKER) throw new TypeError("this is no worker of ours");
    return url;
  },
});

const worker = () => navigator.serviceWorker.register(policy ? policy.createScriptURL(WORKER) : WORKER);

// A section with one's browsers, and a way for this one to be among them.
export function pushPart() {
  const place = h("div", { class: "stack" });
  const view = () => shown(place, () => Promise.all([get("/api/v1/me/push"), current()]), parts);
  const parts = ([found, mine]) => {
    if (!found.public_key)
      return h("p", { class: "quiet" }, "Not set up here: an admin can make a key (ostiary-server notify push-keys).");
    return [
      h("p", { class: "quiet" }, "A browser shows messages even while this page is closed. Names never stand in them."),
      found.items.length ? browsers(found.items, view) : empty("None of your browsers takes messages."),
      h(
        "div",
        { class: "line" },
        !mine && button("Have this browser take messages", (event) => take(event.currentTarget, found, view), { tone: "primary" }),
        found.items.length > 0 &&
          button("Send a test", (event) =>
            during(event.currentTarget, async () => {
              await post("/api/v1/me/push/test");
              toast("A test is under way.");
            }),
          ),
      ),
    ];
  };
  view();
  return h("section", { class: "panel" }, h("h2", {}, "Browsers"), place);
}

async function current() {
  if (!("serviceWorker" in navigator) || !("PushManager" in globalThis)) return null;
  const registration = await navigator.serviceWorker.getRegistration("/");
  return registration ? registration.pushManager.getSubscription() : null;
}

function browsers(items, again) {
  const one = (browser) =>
    h(
      "li",
      { class: "line spread" },
      h(
        "span",
        {},
        browser.user_agent || browser.origin,
        h("span", { class: "small quiet" }, " since ", time(browser.created_at, "date")),
        browser.used_at && [" ", badge("In use", "good")],
      ),
      button("Take off", (event) =>
        during(event.currentTarget, async () => {
          await remove(`/api/v1/me/push/${browser.id}`);
          toast("It takes no more messages.");
          again();
        }),
      ),
    );
  return h("ul", { class: "stack" }, items.map(one));
}

function take(pressed, { public_key: key }, again) {
  return during(pressed, async () => {
    if (!("serviceWorker" in navigator) || !("PushManager" in globalThis))
      throw new TypeError("This browser does not take messages.");
    if ((await Notification.requestPermission()) !== "granted")
      throw new TypeError("The browser was not allowed to show messages. Allow it in the browser’s settings for this site.");
    await worker();
    const registration = await navigator.serviceWorker.ready;
    const made = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
    const { endpoint, keys } = made.toJSON();
    await post("/api/v1/me/push", { endpoint, keys, user_agent: called() });
    toast("This browser takes messages.");
    again();
  });
}

// What the browser is called on the list: its brand and system, no more.
function called() {
  const brands = navigator.userAgentData?.brands.map((one) => one.brand).filter((brand) => !/not.?a.?brand/i.test(brand));
  const brand = brands?.at(-1) || navigator.userAgent.split(" ").at(-1).split("/")[0];
  return [brand, navigator.userAgentData?.platform || navigator.platform].filter(Boolean).join(" on ").slice(0, 200);
}
