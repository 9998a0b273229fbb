// From facts to the sentence: what is wrong, or that nothing is. Pure.

import { STRINGS as S, span } from "./strings.js";

/** So many seconds after the server should have called a camera silent that sends nothing, the way from the server is the fault. */
const LATER = 1.5;
/** Seconds that a picture may take to begin. */
const STARTING = 4.5;
/** Seconds without a new frame on a device that has no network, as the browser says. */
const CUT_OFF = 1;
/** Seconds in which frames came and no new picture was shown: the browser is. */
const FROZEN = 2;

/**
 * What to say at a time on the facts' clock; `hidden`: nobody sees the page, so browsers do not draw; `gone`: seconds since
 * the camera left, as far as the server knows. `kind` is "live", "wait" or "bad"; `help` is set when nothing was ever
 * connected.
 */
export function describe(facts, at, hidden = false, gone = null) {
  const say = (kind, sentence, more = "") => ({ kind, sentence, more });
  const { trouble } = facts;
  if (facts.link === "lost") return say("bad", S.reconnecting);
  if (facts.link === "paused") return say("wait", S.paused);
  switch (facts.camera) {
    case null:
      return say("wait", S.connecting);
    case "waiting":
      if (facts.cameraSeen || gone !== null) return left(gone ?? at - facts.cameraAt);
      return { ...say("wait", S.waiting, S.waitingMore), help: true };
    case "no_frame":
      return trouble ? say("bad", S.refused, trouble.text) : say("wait", S.noFrame);
    case "silent":
      if (trouble) return say("bad", S.refused, trouble.text);
      return say("bad", S.silent, S.since(span(at - facts.cameraAt)));
  }
  const quiet = at - facts.arrivedAt;
  if (facts.offline && quiet > CUT_OFF) return say("bad", S.offline);
  if (quiet > facts.silentAfter + LATER) {
    // JPEGs come, and no video of them: that is not the network.
    if (facts.unplayedSince !== null) return say("bad", S.noVideo, trouble?.text ?? S.since(span(quiet)));
    return say("bad", S.stalled, S.since(span(quiet)));
  }
  if (facts.blocked) return say("wait", S.blocked);
  // The server tells the camera's state a moment after the frame that changed it, and that frame may be on screen already.
  const begun = facts.shown > 0 && facts.shownAt > facts.cameraAt - 0.5;
  const since = begun ? facts.shownAt : facts.cameraAt;
  const frozen = at - since;
  if (!begun && frozen < STARTING) return say("wait", S.starting);
  // While nothing comes, it is not the browser that shows nothing: whose fault that is, is known when it lasts.
  if (!hidden && facts.arrivedAt - since > FROZEN + 3 * facts.spacing) return say("bad", S.frozen, S.since(span(frozen)));
  return say("live", S.live, trouble?.text ?? "");
}

/** The same for a camera that left so many seconds ago. */
export function left(seconds) {
  return { kind: "bad", sentence: S.left, more: S.leftMore(span(seconds)) };
}

/** Whether the server knows more of it than a name that somebody waits for. */
export function known(camera) {
  return camera !== null && (camera.connected || camera.since_ms !== null);
}
