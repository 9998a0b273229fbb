// From facts to the sentence: what is wrong, or that nothing is. Pure.

import { STRINGS as S, span } from "./strings.js";

/** Seconds without a new frame of a live camera: the way from the server is the fault. */
const STALLED = 4.5;
/** Seconds with frames but without a new picture: the browser is. */
const FROZEN = 2;

/**
 * What to say at a time on the facts' clock; `hidden`: nobody sees the page, so browsers do not draw; `gone`: seconds since
 * the camera left, as far as the server knows. `kind` is "live", "wait" or "bad"; `help` is set when nothing was ever
 * connected.
 */
export function describe(facts, at, hidden = false, gone = null) {
  const say = (kind, sentence, more = "") => ({ kind, sentence, more });
  if (facts.link === "lost") return say("bad", S.reconnecting);
  if (facts.link === "paused") return say("wait", S.paused);
  switch (facts.camera) {
    case null:
      return say("wait", S.connecting);
    case "waiting":
      if (facts.cameraSeen || gone !== null) return left(gone ?? at - facts.cameraAt);
      return { ...say("wait", S.waiting, S.waitingMore), help: true };
    case "no_frame":
      return say("wait", S.noFrame);
    case "silent":
      return say("bad", S.silent, S.since(span(at - facts.cameraAt)));
  }
  const quiet = at - facts.arrivedAt;
  if (quiet > STALLED) return say("bad", S.stalled, S.since(span(quiet)));
  if (facts.blocked) return say("wait", S.blocked);
  // The server tells the camera's state a moment after the frame that changed it, and that frame may be on screen already.
  const begun = facts.shown > 0 && facts.shownAt > facts.cameraAt - 0.5;
  const frozen = at - (begun ? facts.shownAt : facts.cameraAt);
  if (!begun && frozen < STALLED) return say("wait", S.starting);
  if (!hidden && frozen > FROZEN + 3 * facts.interval) return say("bad", S.frozen, S.since(span(frozen)));
  return say("live", S.live);
}

/** The same for a camera that left so many seconds ago. */
export function left(seconds) {
  return { kind: "bad", sentence: S.left, more: S.leftMore(span(seconds)) };
}

/** Whether the server knows more of it than a name that somebody waits for. */
export function known(camera) {
  return camera !== null && (camera.connected || camera.since_ms !== null);
}
