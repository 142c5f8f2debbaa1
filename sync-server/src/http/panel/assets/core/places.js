// What sites, doors and devices are called: read once for a page, as far as the account may see them.

import { get } from "./api.js";

let read = null;

export function places() {
  read ??= load();
  return read;
}

// To be read anew, after something was changed.
export function forget() {
  read = null;
}

async function load() {
  const [sites, doors, devices] = await Promise.all(["sites", "doors", "devices"].map(all));
  const named = (items) => new Map(items.map((item) => [item.id, item]));
  const [siteOf, doorOf, deviceOf] = [sites, doors, devices].map(named);
  return {
    sites,
    doors,
    devices,
    site: (id) => siteOf.get(id)?.name || "a site",
    door: (id) => doorOf.get(id)?.name || "a door",
    device: (id) => deviceOf.get(id)?.name || "a device",
    // Choices for a field; the site is said where there are several.
    doorChoices: () =>
      doors.map((door) => [
        door.id,
        sites.length > 1 ? `${siteOf.get(door.site)?.name || "…"}: ${door.name}` : door.name,
      ]),
    siteChoices: () => sites.map((site) => [site.id, site.name]),
  };
}

async function all(what) {
  return (await get(`/api/v1/${what}`)).items;
}
