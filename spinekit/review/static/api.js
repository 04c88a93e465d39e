/** Requests to this page's own server; nothing here speaks to anybody else. */

const KEPT = "spinekit.token";

/** Somebody else changed the film since it was read here. */
export class Conflict extends Error {
  /** @param {string} words @param {number} version that stands now */
  constructor(words, version) {
    super(words);
    this.version = version;
  }
}

/** The server refuses or cannot do it; `status` 0 where it was not reached. */
export class Refused extends Error {
  /** @param {string} words @param {number} status */
  constructor(words, status) {
    super(words);
    this.status = status;
  }
}

let token = "";

/** Takes the token out of the address, where it would be seen, and keeps it for this tab. */
export function takeToken() {
  const told = new URLSearchParams(location.hash.slice(1)).get("token");
  if (told) {
    sessionStorage.setItem(KEPT, told);
    history.replaceState(null, "", location.pathname);
  }
  token = sessionStorage.getItem(KEPT) ?? "";
  return token !== "";
}

/** @param {string} password @returns {Promise<void>} */
export async function login(password) {
  const answer = await send("/api/login", { password });
  token = (await answer.json()).token;
  sessionStorage.setItem(KEPT, token);
}

/**
 * Asks for JSON, or tells some.
 * @param {string} path
 * @param {object} [body] told where it is given
 * @returns {Promise<any>}
 */
export async function ask(path, body) {
  return (await send(path, body)).json();
}

/**
 * @param {string} path
 * @param {object} [body]
 * @param {AbortSignal} [signal]
 * @returns {Promise<Response>}
 */
export async function send(path, body, signal) {
  const headers = { "x-spinekit-token": token };
  const request = body === undefined
    ? { headers, signal }
    : { method: "POST", headers: { ...headers, "x-spinekit": "review", "content-type": "application/json" }, body: JSON.stringify(body), signal };
  let answer;
  try {
    answer = await fetch(path, request);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refused("", 0);
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  if (answer.status === 409) throw new Conflict(told.error, told.version);
  throw new Refused(told.error ?? "", answer.status);
}
