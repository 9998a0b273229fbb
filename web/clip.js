// Records what a camera sends, as it comes: nothing is encoded again.

import { Connection } from "./connection.js";
import { TIMESCALE, file, isInit, sampleOf } from "./mp4.js";
import { STRINGS as S } from "./strings.js";

/** A clip ends by itself when it is this long, or has this many bytes. */
const MOST_SECONDS = 600;
const MOST_BYTES = 200e6;

export class ClipRecorder {
  /** "idle", "recording", or "failed" when nothing could be recorded. */
  state = "idle";
  /** Why it ended by itself or failed, or empty. */
  reason = "";
  bytes = 0;
  #connection = null;
  #init = null;
  #samples = [];

  /** `changed()` is called when a clip ended by itself; `stop()` then gives it still. */
  constructor(where, changed) {
    this.where = where;
    this.changed = changed;
  }

  /** The length of the clip so far. */
  get seconds() {
    const samples = this.#samples;
    return samples.length ? (samples.at(-1).ticks - samples[0].ticks) / TIMESCALE : 0;
  }

  start() {
    this.#connection?.close();
    Object.assign(this, { state: "recording", reason: "", bytes: 0 });
    this.#init = null;
    this.#samples = [];
    this.#connection = new Connection(this.where.socket("fmp4"), {
      open: () => {},
      lost: () => this.#end(S.clipLost),
      text: (text) => {
        const { event, state } = JSON.parse(text);
        if (event === "state" && state === "waiting") this.#end(S.clipLeft);
      },
      binary: (data) => (isInit(data) ? this.#begin(data) : this.#add(sampleOf(data))),
    });
  }

  /** Ends it, and gives the file; null when there is nothing. */
  stop() {
    this.#end("");
    this.state = "idle";
    return this.#samples.length ? new Blob(file(this.#init, this.#samples), { type: "video/mp4" }) : null;
  }

  #begin(init) {
    // A file has one size.
    if (this.#init && !same(this.#init, init)) this.#end(S.clipChanged);
    else this.#init = init;
  }

  #add(sample) {
    if (!sample || !this.#init || (!this.#samples.length && !sample.key)) return;
    this.#samples.push(sample);
    this.bytes += sample.data.length;
    if (this.seconds >= MOST_SECONDS || this.bytes >= MOST_BYTES) this.#end(S.clipLong);
  }

  #end(reason) {
    if (!this.#connection) return;
    this.#connection.close();
    this.#connection = null;
    this.reason = reason;
    this.state = this.#samples.length ? "idle" : "failed";
    if (reason) this.changed();
  }
}

function same(one, other) {
  const [a, b] = [one, other].map((buffer) => new Uint8Array(buffer));
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
