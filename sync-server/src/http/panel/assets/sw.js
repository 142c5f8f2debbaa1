// The service worker: shows messages to this browser, and nothing else. It keeps no pages and answers no requests.

self.addEventListener("push", (event) => {
  const said = read(event.data);
  const options = { body: said.body, tag: said.id, renotify: true, data: { url: said.url }, icon: undefined };
  event.waitUntil(self.registration.showNotification(said.title, options));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(show(event.notification.data?.url || "/notifications"));
});

// What cannot be read is still told: a browser takes away who pushes and shows nothing.
function read(data) {
  try {
    const { id, title, body, url } = data.json();
    return { id: String(id), title: String(title), body: String(body ?? ""), url: own(url) };
  } catch {
    return { id: "ostiary", title: "There is a notification", body: "", url: "/notifications" };
  }
}

// Only pages of this server.
function own(path) {
  const url = new URL(String(path), self.location.origin);
  return url.origin === self.location.origin ? url.pathname : "/notifications";
}

async function show(path) {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = windows.find((one) => new URL(one.url).pathname === path);
  return there ? there.focus() : self.clients.openWindow(path);
}
