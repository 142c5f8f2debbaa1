// Sending a file so that it can be seen how far it is. Otherwise as in api.js: a session that has ended is begun anew, what
// the server asks to wait for is waited for, and every other refusal is a Problem.

import { Problem, csrf } from "./api.js";
import { signInAgain } from "./session.js";

// Longer waits than this are told rather than waited for.
const PATIENCE_S = 5;
const TRIES = 6;

// `onprogress(share)` gets 0 to 1 as the bytes go out. A refusal that says what became of each part has it in `results`.
export async function upload(path, file, { type = file.type, onprogress, signal } = {}) {
  for (let tries = 1; ; tries += 1) {
    const answer = await sent(path, file, { type, onprogress, signal });
    if (answer.status >= 200 && answer.status < 300) return answer.body;
    if (answer.status === 401) {
      await signInAgain();
      continue;
    }
    const passes = answer.status === 429 || answer.status === 503;
    if (passes && answer.wait <= PATIENCE_S && tries < TRIES) {
      await new Promise((done) => setTimeout(done, 1000 * answer.wait + 300 * Math.random()));
      continue;
    }
    const problem = new Problem(answer.status, answer.body);
    problem.results = answer.body.results;
    throw problem;
  }
}

function sent(path, file, { type, onprogress, signal }) {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    const unreached = () =>
      fail(new Problem(0, { detail: "The server cannot be reached. Check the network, then try again." }));
    request.open("POST", path);
    request.setRequestHeader("accept", "application/json");
    request.setRequestHeader("content-type", type);
    request.setRequestHeader("x-csrf-token", csrf());
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onprogress?.(event.loaded / event.total);
    });
    request.addEventListener("error", unreached);
    request.addEventListener("timeout", unreached);
    request.addEventListener("abort", () => fail(new DOMException("given up", "AbortError")));
    request.addEventListener("load", () => {
      const wait = Number(request.getResponseHeader("retry-after")) || 0;
      done({ status: request.status, wait, body: parsed(request) });
    });
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}

function parsed(request) {
  try {
    return JSON.parse(request.responseText || "null");
  } catch {
    return { title: `The server answered ${request.status}.` };
  }
}
