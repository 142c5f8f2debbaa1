// Asking the API. A session that has ended is begun anew without leaving the page (session.js), so that no form is lost;
// what the server asks to wait for is waited for; every other refusal is a Problem that says what to do.

import { signInAgain } from "./session.js";

const CSRF_COOKIE = "__Host-ostiary-csrf";
// Longer waits than this are told rather than waited for.
const PATIENCE_S = 3;
const TRIES = 4;

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || "The server refused this.");
    this.status = status;
    this.kind = (body.type || "").replace("urn:ostiary:problem:", "");
    this.fields = body.errors || [];
    this.counts = body.counts || {};
  }
}

export const get = (path, options) => ask("GET", path, undefined, options);
export const post = (path, body, options) => ask("POST", path, body, { key: crypto.randomUUID(), ...options });
export const put = (path, body, options) => ask("PUT", path, body, options);
export const patch = (path, body, options) => ask("PATCH", path, body, options);
export const remove = (path, options) => ask("DELETE", path, undefined, options);

// The answer's JSON, with its ETag as `etag` if there is one; `null` for no content.
export async function ask(method, path, body, options = {}) {
  const response = await send(method, path, body, options);
  if (options.as === "blob") return response.blob();
  const text = await response.text();
  if (!text) return null;
  const answer = JSON.parse(text);
  const etag = response.headers.get("etag");
  if (etag && answer && typeof answer === "object") Object.defineProperty(answer, "etag", { value: etag });
  return answer;
}

// The query string of what is given.
export function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const text = new URLSearchParams(given).toString();
  return text ? `?${text}` : "";
}

export function csrf() {
  const cookies = document.cookie.split(";").map((cookie) => cookie.trim().split("="));
  return cookies.find(([name]) => name === CSRF_COOKIE)?.[1] || "";
}

async function send(method, path, body, { key, etag, signal, guest } = {}) {
  const isBlob = body instanceof Blob;
  for (let tries = 1; ; tries += 1) {
    const headers = { accept: "application/json" };
    if (body !== undefined) headers["content-type"] = isBlob ? body.type : "application/json";
    if (method !== "GET") headers["x-csrf-token"] = csrf();
    if (key && !guest) headers["idempotency-key"] = key;
    if (etag) headers["if-match"] = etag;
    const sent = isBlob || body === undefined ? body : JSON.stringify(body);
    const response = await fetched(path, { method, headers, body: sent, signal, credentials: "same-origin" });
    if (response.ok) return response;
    if (response.status === 401 && !guest) {
      await signInAgain();
      continue;
    }
    const wait = Number(response.headers.get("retry-after")) || 0;
    const passes = response.status === 429 || response.status === 503;
    if (passes && wait <= PATIENCE_S && tries < TRIES) {
      await new Promise((done) => setTimeout(done, 1000 * wait + 200 * Math.random()));
      continue;
    }
    throw new Problem(response.status, await problem(response));
  }
}

async function fetched(path, request) {
  try {
    return await fetch(path, request);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { detail: "The server cannot be reached. Check the network, then try again." });
  }
}

async function problem(response) {
  try {
    return await response.json();
  } catch {
    return { title: `The server answered ${response.status}.` };
  }
}
