// How the server's clock runs against ours, from a few questions: the answer with the shortest way tells most.

import { now } from "./facts.js";

const QUESTIONS = 7;
/** Milliseconds between the first two questions of a round, doubled each time: a page that begins is busy. Between the rounds. */
const PAUSE = 100;
const ROUND = 60_000;
const PATIENCE = 5000;
/** Seconds by which two clocks drift apart in a second, at most. */
const DRIFT = 0.0001;
const TICKS = 90_000;
/** Seconds by which an answer differs from what is known, beyond all errors, when the server's clock was set. */
const SET = 1;

let shared = null;

/** The one clock of this page. */
export function serverClock(where) {
  return (shared ??= new Clock(where.clock));
}

export class Clock {
  /** What to add to `now()` for seconds since the Unix epoch by the server; null until known. */
  offset = null;
  /** What to add to a frame's time stamp for the moment of its arrival by that clock; null until known. */
  ptsOffset = null;
  #error = Infinity;
  #errorAt = 0;
  #fresh = true;
  #asking = false;
  /** The offset that the last answer would have, when that cannot be by what is known. */
  #doubt = null;

  constructor(url) {
    this.url = url;
    this.ask();
    setInterval(() => globalThis.document?.hidden || this.ask(), ROUND);
  }

  /** Seconds by which `offset` may be wrong, either way. */
  get uncertainty() {
    return this.#error + (now() - this.#errorAt) * DRIFT;
  }

  /** Another server may answer now, or our own clock stood still: the next answer counts, whatever it is worth. */
  renew() {
    this.#fresh = true;
    this.ask();
  }

  /** The server's clock was set: nothing is known until it answers. */
  wasSet() {
    this.offset = null;
    this.ptsOffset = null;
    this.renew();
  }

  /** Asks a few times, unless that is under way. */
  async ask() {
    if (this.#asking) return;
    this.#asking = true;
    for (let count = 0; count < QUESTIONS; count++) {
      if (count) await new Promise((go) => setTimeout(go, PAUSE * 2 ** (count - 1)));
      try {
        const from = now();
        const answer = await fetch(this.url, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
        const to = now();
        if (!answer.ok) break;
        this.heard(await answer.json(), from, to);
      } catch {
        break;
      }
    }
    this.#asking = false;
  }

  /** An answer to what was asked at one time and came at another. */
  heard({ unix_us, pts_90k }, from, to) {
    const error = (to - from) / 2;
    const offset = unix_us / 1e6 - (from + to) / 2;
    // Two answers in a row that agree on something else, and not one alone: the server's clock was set.
    const differs = this.offset !== null && Math.abs(offset - this.offset) > error + this.uncertainty + SET;
    const wasSet = differs && this.#doubt !== null && Math.abs(offset - this.#doubt) < SET;
    this.#doubt = differs ? offset : null;
    if (!this.#fresh && !wasSet && error > this.uncertainty) return;
    this.#fresh = false;
    this.#doubt = null;
    this.#error = error;
    this.#errorAt = to;
    this.offset = offset;
    this.ptsOffset = unix_us / 1e6 - pts_90k / TICKS;
  }
}
