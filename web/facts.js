// What is known at this moment: the connection and the player write it, the page reads it.

/** Seconds over which the frame rate is measured. */
const WINDOW = 3;
/** Clocks drift apart: seconds per second by which the fastest way so far is forgotten. */
const DRIFT = 0.0005;

/** Seconds on a clock that never jumps. */
export const now = () => performance.now() / 1000;

export class Facts {
  /** "connecting", "open" or "lost". */
  link = "connecting";
  /** The server's word for the camera, null until told, and since when: in "live" and "silent", when its newest frame came. */
  camera = null;
  cameraAt = 0;
  /** Whether a camera was ever there while this page is open. */
  cameraSeen = false;
  /** Frames that the server left out for us; pictures that were shown. */
  lost = 0;
  shown = 0;
  arrivedAt = 0;
  shownAt = 0;
  width = 0;
  height = 0;
  /** The browser wants a click before it plays. */
  blocked = false;
  /** Seconds, or null. */
  delay = null;
  #arrivals = [];
  #fastest = null;
  #fastestAt = 0;

  setLink(link, at = now()) {
    this.link = link;
    if (link === "open") {
      this.camera = null;
      this.arrivedAt = at;
      // Another server has another clock.
      this.#fastest = null;
      this.forget();
    }
  }

  /** A text message of the server. What is unknown comes from a newer one. */
  event(text, at = now()) {
    let event;
    try {
      event = JSON.parse(text);
    } catch {
      return;
    }
    if (event.event === "lost") this.lost += event.frames;
    if (event.event !== "state") return;
    if (event.state !== this.camera) {
      const pictured = event.state === "live" || event.state === "silent";
      this.cameraAt = pictured ? at - (event.newest_frame_age_ms ?? 0) / 1000 : at;
      if (event.state === "live") this.arrivedAt = at;
      if (event.state === "waiting") this.forget();
    }
    this.camera = event.state;
    this.cameraSeen ||= event.state !== "waiting";
  }

  /** A frame came, with its time stamp in seconds. */
  arrived(pts, at = now()) {
    this.arrivedAt = at;
    if (this.#fastest !== null) this.#fastest += (at - this.#fastestAt) * DRIFT;
    this.#fastest = Math.min(this.#fastest ?? Infinity, at - pts);
    this.#fastestAt = at;
    this.#arrivals.push(pts);
    while (this.#arrivals.length > 2 && this.#arrivals[0] < pts - WINDOW) this.#arrivals.shift();
  }

  /** A picture appeared, with its time stamp in seconds. */
  pictured(pts, width, height, at = now()) {
    this.shown += 1;
    this.shownAt = at;
    this.width = width;
    this.height = height;
    if (this.#fastest === null) return;
    const delay = Math.max(0, at - pts - this.#fastest);
    this.delay = this.delay === null ? delay : this.delay * 0.9 + delay * 0.1;
  }

  /** Frames a second, or null when too few came. */
  get fps() {
    const count = this.#arrivals.length - 1;
    return count < 1 ? null : count / (this.#arrivals[count] - this.#arrivals[0]);
  }

  /** Seconds between frames, as far as known, at most 1. */
  get interval() {
    return Math.min(1, 1 / (this.fps ?? 10));
  }

  /** What was measured no longer holds. */
  forget() {
    this.#arrivals = [];
    this.delay = null;
  }
}
