// What is known at this moment: the connection and the player write it, the page reads it.

/** Seconds over which rates are measured. */
const WINDOW = 3;
/** Frames that wait to be shown are remembered up to this many. */
const MOST_WAITING = 100;
/** Seconds within which two time stamps are the same one: what browsers tell of a video is rounded. */
const SAME = 0.002;
/** Seconds by which the server's clock is ahead of where it was when it was set, at least. */
const SET = 1;
/** Seconds by which a JPEG may be newer than the newest frame that came. */
const AT_ONCE = 0.5;
/** How much of the newest picture's times goes into the means. */
const SHARE = 0.1;

/** Seconds on a clock that never jumps. */
export const now = () => performance.now() / 1000;

export class Facts {
  /** "connecting", "open", "lost", or "paused" when nobody can see the picture. */
  link = "connecting";
  /** The server's word for the camera, null until told, and since when: in "live" and "silent", when its newest frame came. */
  camera = null;
  cameraAt = 0;
  /** Seconds after which the server calls the camera silent, as it told last: a slow camera may be quiet for long. */
  silentAfter = 3;
  /** Whether a camera was ever there while this page is open. */
  cameraSeen = false;
  /** Frames that the server left out for us, and those that this browser was too slow for; pictures that were shown. */
  lost = 0;
  late = 0;
  shown = 0;
  arrivedAt = 0;
  shownAt = 0;
  width = 0;
  height = 0;
  /** The browser says that this device has no network at all. */
  offline = false;
  /** The browser wants a click before it plays. */
  blocked = false;
  /** What the server tells of it: why nothing good comes of what it sends (`trouble` in `/status`), or null. */
  trouble = null;
  /** Whether video is played, and not the JPEGs as they come. */
  video = true;
  /** Since when JPEGs have come of which the server makes no video, or null. */
  unplayedSince = null;
  /** Milliseconds that a frame spends in the server, as the page was told by it; null when unknown. */
  serverMs = null;
  /** The server's clock (`clock.js`), or null. */
  clock = null;
  #arrivals = [];
  #waiting = [];
  /** Means, in seconds or null: from the arrival at the server until that here, and from then until shown. */
  #before = null;
  #render = null;
  /** Seconds from a frame's time stamp to its arrival by the server's clock, and what a frame told that differs; or null. */
  #lead = null;
  #otherLead = null;
  /** The arrival at the server of the picture that was measured last. */
  #measured = null;

  setLink(link, at = now()) {
    this.link = link;
    this.unplayedSince = null;
    if (link === "open") {
      this.camera = null;
      this.arrivedAt = at;
      this.#lead = null;
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
    if (event.silent_after_ms) this.silentAfter = event.silent_after_ms / 1000;
    if (event.state !== this.camera) {
      const pictured = event.state === "live" || event.state === "silent";
      this.cameraAt = pictured ? at - (event.newest_frame_age_ms ?? 0) / 1000 : at;
      if (event.state === "live") this.arrivedAt = at;
      if (event.state === "waiting") this.forget();
    }
    this.camera = event.state;
    this.cameraSeen ||= event.state !== "waiting";
  }

  /** The server told about the camera at a time: null when it does not know it. */
  told(camera, at = now()) {
    this.trouble = camera?.trouble ?? null;
    const age = camera?.newest_frame_age_ms ?? null;
    // Told a moment before the frame of that JPEG is here.
    const newer = age !== null && at - age / 1000 > this.arrivedAt + AT_ONCE;
    // Else it is the way from the server that brings nothing.
    const none = this.video && (this.trouble !== null || camera?.encoding === false);
    this.unplayedSince = newer && none ? (this.unplayedSince ?? at) : null;
  }

  /** A frame came: its time stamp, its bytes, and its arrival at the server, seconds since the Unix epoch, if told. */
  arrived({ pts, bytes = 0, arrival = null }, at = now()) {
    this.arrivedAt = at;
    this.unplayedSince = null;
    this.#arrivals.push({ pts, bytes, at });
    while (this.#arrivals.length > 2 && this.#arrivals[0].pts < pts - WINDOW) this.#arrivals.shift();
    this.#waiting.push({ pts, arrival, at });
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
    if (arrival !== null) this.#follow(arrival - pts);
  }

  /** A picture appeared, with its time stamp in seconds. */
  pictured(pts, width, height, at = now()) {
    this.shown += 1;
    this.shownAt = at;
    this.width = width;
    this.height = height;
    const next = this.#waiting.findIndex((frame) => frame.pts > pts + SAME);
    const frame = this.#waiting.splice(0, next < 0 ? this.#waiting.length : next).at(-1);
    if (frame && Math.abs(frame.pts - pts) <= SAME) this.#measure(frame, at);
  }

  /** Frames that came since the newest picture appeared. */
  get waiting() {
    return this.#waiting.length;
  }

  /** Frames a second, or null when too few came. */
  get fps() {
    const count = this.#arrivals.length - 1;
    return count < 1 ? null : count / (this.#arrivals[count].pts - this.#arrivals[0].pts);
  }

  /** Seconds between frames, as far as known, at most 1. */
  get interval() {
    return Math.min(1, this.spacing);
  }

  /** Seconds between frames, as far as known: 10 for a camera that sends a picture in 10 s. */
  get spacing() {
    return 1 / (this.fps ?? 10);
  }

  /** Bits a second that came, or null when too few did. */
  get bitrate() {
    const [first, ...others] = this.#arrivals;
    if (!others.length) return null;
    return (others.reduce((sum, { bytes }) => sum + bytes, 0) * 8) / (others.at(-1).pts - first.pts);
  }

  /** Seconds from a frame's arrival at the server until it was shown here, a mean; null when unknown. */
  get age() {
    return this.#before === null ? null : this.#before + this.#render;
  }

  /** The same in parts, each in seconds, or null when unknown. */
  get stages() {
    const known = this.#before !== null && this.serverMs !== null;
    const server = known ? Math.min(this.serverMs / 1000, this.#before) : null;
    return { server, network: known ? this.#before - server : null, render: this.#render };
  }

  /** What was measured no longer holds. */
  forget() {
    this.#arrivals = [];
    this.#waiting = [];
    this.#before = null;
    this.#render = null;
  }

  /**
   * Time stamps go on evenly, whatever becomes of the server's clock. When two frames in a row say that it is now ahead of
   * them by something else, it was set. One alone may be an old picture that is shown again to somebody who joins.
   */
  #follow(lead) {
    const same = (one, other) => one !== null && Math.abs(one - other) <= SET;
    if (this.#lead === null || same(this.#lead, lead)) {
      this.#lead ??= lead;
      this.#otherLead = null;
    } else if (same(this.#otherLead, lead)) {
      this.#lead = lead;
      this.#otherLead = null;
      this.#before = null;
      this.clock?.wasSet();
    } else {
      this.#otherLead = lead;
    }
  }

  #measure(frame, at) {
    const { clock } = this;
    // The same picture again, as the server repeats it for players that join: it is as old as it is, and was not on the way for so long.
    if (frame.arrival !== null && frame.arrival === this.#measured) return;
    this.#measured = frame.arrival;
    const mean = (old, value) => (old === null ? value : old + (value - old) * SHARE);
    this.#render = mean(this.#render, Math.max(0, at - frame.at));
    const arrival = frame.arrival ?? (clock?.ptsOffset == null ? null : frame.pts + clock.ptsOffset);
    // The clocks are known to a few milliseconds only: nothing takes less than no time.
    if (arrival !== null && clock?.offset != null) this.#before = mean(this.#before, Math.max(0, frame.at + clock.offset - arrival));
  }
}
