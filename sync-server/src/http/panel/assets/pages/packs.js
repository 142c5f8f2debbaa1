// Model packs: which there are, which is in force, and a new one.

import "../core/shell.js";
import { get } from "../core/api.js";
import { find, h, table } from "../core/dom.js";
import { formOf } from "../core/form.js";
import { empty, shown } from "../core/list.js";
import { packPage, packState } from "../core/packs.js";
import { time } from "../core/time.js";
import { upload } from "../core/upload.js";
import { may } from "../core/words.js";

const megabytes = (bytes) => (bytes ? `${(bytes / 1048576).toFixed(1)}\u00a0MB` : "");

function list() {
  return shown(
    find("#list"),
    () => get("/api/v1/model-packs"),
    ({ items }) =>
      items.length
        ? table(
            "Model packs",
            ["Pack", "State", "What it is", "Archive", "Signed by", "Changed"],
            items.map((pack) => [
              h("a", { href: packPage(pack.id) }, pack.id),
              packState(pack.state),
              h("span", { class: "wrap" }, pack.description),
              pack.own ? "of the configuration" : megabytes(pack.size_bytes),
              pack.signed_by || "",
              time(pack.changed_at, "ago"),
            ]),
          )
        : empty("There is no pack yet. The server notes its own when it starts."),
  );
}

function install() {
  const file = h("input", {
    type: "file",
    id: "file",
    name: "file",
    required: true,
    "aria-describedby": "file-hint",
  });
  const sent = h("progress", { max: "1", value: "0", "aria-label": "Sent so far", hidden: true });
  const row = h(
    "div",
    { class: "row" },
    h("label", { for: "file" }, "Archive"),
    file,
    h(
      "p",
      { class: "hint", id: "file-hint" },
      "As “ostiary-server pack sign” makes it, signed by a key that this server’s configuration names.",
    ),
  );
  const form = formOf([row], "Install it", async () => {
    sent.hidden = false;
    try {
      const archive = new Blob([file.files[0]], { type: "application/octet-stream" });
      const pack = await upload("/api/v1/model-packs", archive, {
        onprogress: (share) => {
          sent.value = share;
        },
      });
      location.assign(packPage(pack.id));
    } finally {
      sent.hidden = true;
    }
  });
  form.append(sent);
  const place = find("#install");
  place.append(form);
  place.hidden = false;
}

list();
if (may("settings.manage")) install();
