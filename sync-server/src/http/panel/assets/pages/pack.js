// One model pack: its templates being made, how it compares with the one in force, and at which doors it is used.

import "../core/shell.js";
import { get, post, put, remove } from "../core/api.js";
import { confirm } from "../core/dialog.js";
import { badge, button, facts, find, h, table } from "../core/dom.js";
import { formOf } from "../core/form.js";
import { progress } from "../core/jobs.js";
import { broken, empty } from "../core/list.js";
import { compared } from "../core/comparison.js";
import { packState, packWords } from "../core/packs.js";
import { idOfPage } from "../core/page.js";
import { places } from "../core/places.js";
import { time } from "../core/time.js";
import { during, toast } from "../core/toast.js";
import { may, plain } from "../core/words.js";

const path = `/api/v1/model-packs/${idOfPage()}`;
const REFRESH_MS = 2000;
const manages = may("settings.manage");
// What is shown, so that only what changed is made anew and nobody's form is taken away.
const last = {};

async function load() {
  const [pack, rollout, all] = await Promise.all([get(path), get(`${path}/rollout`), get("/api/v1/model-packs")]);
  const job = pack.state === "shadow" && pack.job ? await get(`/api/v1/jobs/${pack.job}`).catch(() => null) : null;
  return { pack, rollout, job, inForce: all.items.find((other) => other.state === "active") };
}

async function view() {
  let found;
  try {
    found = await load();
  } catch (error) {
    find("#pack").replaceChildren(broken(error, view));
    return;
  }
  const { pack, rollout, job, inForce } = found;
  find("h1").textContent = pack.id;
  part("tools", [pack.state], () => tools(pack));
  part("pack", [pack, job], () => standing(pack, job));
  part("comparison", [pack.comparison], () => comparison(pack));
  const names = await places();
  part("rollout", [rollout, inForce?.id], () => doors(pack, rollout, inForce, names));
  if (pack.state === "shadow" || rollout.running + rollout.failed < rollout.wanted) setTimeout(again, REFRESH_MS);
}

function again() {
  if (document.querySelector("dialog") || document.hidden) setTimeout(again, REFRESH_MS);
  else view();
}

function part(name, of, make) {
  const now = JSON.stringify(of);
  const place = find(`#${name}`);
  // A form that somebody fills in stays.
  if (last[name] === now || (last[name] && place.querySelector("form")?.contains(document.activeElement))) return;
  last[name] = now;
  place.replaceChildren(...[make()].flat(Infinity).filter(Boolean));
}

function tools(pack) {
  if (!manages) return [];
  const made = [];
  if (["installed", "comparing"].includes(pack.state))
    made.push(
      act(pack.state === "installed" ? "Make its templates" : "Compare again", "Begun.", () => post(`${path}/shadow`), {
        tone: pack.state === "installed" ? "primary" : "",
      }),
    );
  if (["installed", "comparing", "retired"].includes(pack.state))
    made.push(
      button(
        pack.own ? "Remove its templates" : "Remove",
        async (event) => {
          const pressed = event.currentTarget;
          const lines = ["Its templates go, too. It can be installed again and makes them anew."];
          if (!(await confirm(`Remove ${pack.id}?`, lines, "Remove"))) return;
          await during(pressed, async () => {
            await remove(path);
            location.assign("/packs");
          });
        },
        { tone: "danger" },
      ),
    );
  return made;
}

function act(words, done, work, { tone = "" } = {}) {
  return button(
    words,
    async (event) => {
      await during(event.currentTarget, async () => {
        await work();
        toast(done);
      });
      view();
    },
    { tone },
  );
}

function standing(pack, job) {
  const { coverage } = pack;
  return h(
    "section",
    { class: "panel", "aria-labelledby": "standing-title" },
    h("h2", { id: "standing-title" }, "How it stands"),
    h("p", { class: "line" }, packState(pack.state), h("span", {}, packWords(pack.state))),
    job && progress(job),
    job && h("p", {}, h("a", { href: `/jobs/${job.id}` }, "The job: pause, cancel, what became of each picture")),
    (pack.warnings || []).map((warning) => h("div", { class: "note" }, h("p", {}, warning))),
    facts([
      ["What it is", pack.description],
      ["Templates", `${coverage.templates} of ${coverage.persons} persons`],
      ["Pictures still to do", coverage.waiting || null],
      ["Pictures it found no face in", coverage.refused || null],
      ["Persons it would not know", coverage.missing ? missing(coverage.missing) : "none"],
      ["Signed by", pack.signed_by],
      ["Installed", time(pack.installed_at)],
    ]),
  );
}

// Who would not be known, by name as far as one may see them.
function missing(count) {
  const place = h("span", {});
  const show = async (event) => {
    const { items } = await during(event.currentTarget, () => get(`${path}/missing?limit=50`));
    place.replaceChildren(
      h(
        "ul",
        {},
        items.map((id, at) => h("li", {}, h("a", { href: `/people/${id}` }, `Person ${at + 1}`))),
      ),
    );
  };
  return h("span", { class: "line" }, `${count}: they need new photos`, button("Show them", show), place);
}

function comparison(pack) {
  const title = h("h2", { id: "comparison-title" }, "Compared on your own people");
  const body = pack.comparison
    ? compared(pack.comparison)
    : empty("It was not compared yet. That is the last step when its templates are made.");
  return h("section", { class: "panel", "aria-labelledby": "comparison-title" }, title, body);
}

function doors(pack, rollout, inForce, names) {
  const title = h("h2", { id: "rollout-title" }, "Doors");
  const counted = `${rollout.running} of ${rollout.wanted} cameras that are to use it do`;
  const trouble = rollout.failed ? badge(`${rollout.failed} cannot`, "bad") : null;
  const onItsWay = (at) => badge(plain(at.stage), at.stage === "failed" ? "bad" : "look");
  const rows = rollout.devices.map((at) => [
    h("a", { href: `/devices/${at.device}` }, at.name),
    names.door(at.door),
    at.wanted ? "this pack" : "another",
    at.runs || "not known",
    at.stage ? h("span", { class: "wrap" }, onItsWay(at), at.detail) : "",
  ]);
  return h(
    "section",
    { class: "panel stack", "aria-labelledby": "rollout-title" },
    title,
    h("p", { class: "line" }, counted, trouble),
    manages && change(pack, inForce, names),
    rows.length
      ? table("Cameras and their packs", ["Camera", "Door", "Is to use", "Uses", "On its way"], rows)
      : empty("There is no camera yet."),
  );
}

// What may be done next: try it, put it in force, or go back.
function change(pack, inForce, names) {
  const back = inForce && inForce.id !== pack.id ? `${inForce.id} is used there again.` : "";
  const buttons = [];
  if (pack.state === "staged")
    buttons.push(step("Take it back", { nowhere: true }, `No door uses it any more. ${back}`));
  if (["comparing", "staged", "retired"].includes(pack.state)) {
    const words = pack.state === "retired" ? "Go back to this pack everywhere" : "Put it in force everywhere";
    const lines = [
      "Every door uses it, each between two visits. The pack before is kept at hand, so that one can go back.",
      "The server takes it up by itself some seconds later, and is away for a moment.",
    ];
    buttons.push(step(words, { everywhere: true }, lines));
  }
  const trial = ["comparing", "staged", "retired"].includes(pack.state) ? tryIt(names) : null;
  if (pack.state === "active")
    return h("p", { class: "quiet" }, "It is in force. To go back, open the pack that was in force before.");
  return [trial, h("div", { class: "line" }, buttons)];
}

function tryIt(names) {
  const fields = [
    {
      name: "doors",
      label: "Try it at these doors",
      type: "checks",
      choices: names.doorChoices(),
      none: "There is no door yet.",
    },
  ];
  return formOf(fields, "Try it there", (values) => rolled({ doors: values.doors }), { tone: "" });
}

function step(words, body, lines) {
  return button(words, async (event) => {
    const pressed = event.currentTarget;
    if (!(await confirm(`${words}?`, lines, words, { danger: false }))) return;
    await during(pressed, () => rolled(body));
  });
}

// What speaks against it is told by the server; whoever wants it all the same says so.
async function rolled(body) {
  const accepted = {};
  for (;;) {
    try {
      await put(`${path}/rollout`, { ...body, ...accepted });
      break;
    } catch (error) {
      const objection = ["accept_missing", "keep_thresholds"].find(
        (word) => !accepted[word] && error.kind === "wrong-state" && error.message.includes(word),
      );
      if (!objection) throw error;
      const words = error.message.split(objection)[0].replace(/[,;]? or say `$/, "");
      if (!(await confirm("Go on all the same?", `${words}.`, "Go on"))) return;
      accepted[objection] = true;
    }
  }
  toast("Doors follow, each between two visits.");
  // The form was sent: what it was made of has changed.
  delete last.rollout;
  view();
}

view();
