// Requests that change something at the server.

import { STRINGS as S } from "./strings.js";

/** Asks for it. `sentence` says why it was refused, in the server's words; it is empty when it was done. */
export async function ask(method, path, body) {
  const options = { method };
  if (body) Object.assign(options, { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  try {
    const answer = await fetch(path, options);
    return { status: answer.status, sentence: answer.ok ? "" : (await answer.text()).trim() };
  } catch {
    return { status: 0, sentence: S.notAsked };
  }
}
