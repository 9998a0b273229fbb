// Requests that change something at the server.

import { STRINGS as S } from "./strings.js";

/** Asks for it. `sentence` says why it was refused, in the server's words; it is empty when it was done. */
export async function ask(method, path, body) {
  const options = { method };
  if (body) Object.assign(options, { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  try {
    const answer = await fetch(path, options);
    return { status: answer.status, sentence: answer.ok ? "" : await reason(answer) };
  } catch {
    return { status: 0, sentence: S.notAsked };
  }
}

/** Loads the page again when its reader may watch nothing any more; `me` is the address that tells. */
export async function reloadWhenLoggedOut(me) {
  try {
    const answer = await fetch(me);
    const { rights } = answer.ok ? await answer.json() : {};
    if (rights?.view.length === 0) location.reload();
  } catch {
    // The server is gone: that is another matter.
  }
}

/** What a refusal says (RFC 9457); a proxy on the way says it in words of its own. */
async function reason(answer) {
  const text = (await answer.text()).trim();
  try {
    return JSON.parse(text).detail ?? text;
  } catch {
    return text;
  }
}
