// What pages read from their address, and tabs.

// The id at the end of the address.
export function idOfPage() {
  return encodeURIComponent(location.pathname.split("/").pop());
}

// Has the tabs of a list work by mouse, keyboard and address; `opened(name)` is called when one is shown first.
export function tabs(list, opened = {}) {
  const all = [...list.querySelectorAll("[role=tab]")];
  const begun = new Set();
  function show(tab, focus) {
    for (const other of all) {
      other.setAttribute("aria-selected", String(other === tab));
      other.tabIndex = other === tab ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = other !== tab;
    }
    if (focus) tab.focus();
    const name = tab.getAttribute("aria-controls");
    history.replaceState(null, "", `#${name}`);
    if (!begun.has(name)) {
      begun.add(name);
      opened[name]?.();
    }
  }
  list.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) show(tab);
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const visible = all.filter((tab) => !tab.hidden);
    if (step) show(visible[(visible.indexOf(document.activeElement) + step + visible.length) % visible.length], true);
  });
  show(
    all.find((tab) => `#${tab.getAttribute("aria-controls")}` === location.hash && !tab.hidden) ||
      all.find((tab) => !tab.hidden),
  );
}
