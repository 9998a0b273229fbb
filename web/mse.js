// Plays the server's fMP4 fragments through Media Source Extensions, at the live edge.

import { codecOf, isInit, timeOf } from "./mp4.js";
import { now } from "./facts.js";
import { STRINGS as S } from "./strings.js";

/** Seconds behind the newest frame at which it is no use to hurry: jump. */
const TOO_FAR = 1;
/** Seconds of past kept in the buffer: more than from key frame to key frame (2 s). */
const KEEP = 4;
/** Seconds without a picture though frames come after which the player begins anew. */
const FROZEN = 6;
/** So many new beginnings in so many seconds, and it is given up. */
const TRIES = 4;
const TRIES_WITHIN = 30;

/** iPhones have only the managed one. */
const Source = globalThis.MediaSource ?? globalThis.ManagedMediaSource;

/** Nobody can see the picture. */
const unseen = () => document.hidden && !document.pictureInPictureElement;

export class MsePlayer {
  static format = "fmp4";
  #media = null;
  #buffer = null;
  #type = "";
  #queue = [];
  /** Seconds that the player's time is ahead of the stream's; null: the next fragment says. */
  #offset = null;
  /** Player's time of the newest fragment. */
  #newest = 0;
  #failures = [];
  #startedAt;
  #callback;

  /** `owner.again()` makes a new connection, which begins with a key frame; `owner.giveUp(reason)` finds another way. */
  constructor(video, facts, owner) {
    this.video = video;
    this.facts = facts;
    this.owner = owner;
    video.onerror = () => this.#media && this.#fail(video.error?.message);
    this.#watch();
  }

  /** Why this browser cannot play at all; undefined when it may. */
  static obstacle() {
    return Source && HTMLVideoElement.prototype.requestVideoFrameCallback ? undefined : S.noSource;
  }

  connected() {
    this.#queue = [];
    this.#offset = null;
  }

  message(data) {
    if (isInit(data)) return this.#init(data);
    const pts = timeOf(data);
    if (pts === undefined || !this.#media) return;
    this.facts.arrived(pts);
    this.#queue.push({ data, pts });
    this.#pump();
  }

  tick(hidden) {
    const { facts, video } = this;
    if (hidden || !this.#media || facts.blocked || facts.link !== "open" || facts.camera !== "live") return;
    const at = now();
    const frozen = at - Math.max(facts.shownAt, facts.cameraAt, this.#startedAt);
    if (at - facts.arrivedAt < 1 && frozen > FROZEN) this.#fail("no picture");
    else if (video.paused) this.#play();
    this.#follow(false);
  }

  play() {
    this.#play();
    this.#follow(true);
  }

  stop() {
    this.video.cancelVideoFrameCallback(this.#callback);
    this.#close();
  }

  #init(data) {
    const codec = codecOf(data);
    const type = `video/mp4; codecs="${codec}"`;
    if (!codec || !Source.isTypeSupported(type)) return this.owner.giveUp(S.noCodec(codec));
    this.#queue.push({ data, type });
    if (this.#media) this.#pump();
    else this.#open(type);
  }

  #open(type) {
    const { video } = this;
    const media = (this.#media = new Source());
    this.#startedAt = now();
    // The managed kind of source asks for it.
    video.disableRemotePlayback = true;
    media.onsourceopen = () => {
      if (media !== this.#media) return;
      URL.revokeObjectURL(video.src);
      const buffer = (this.#buffer = media.addSourceBuffer(type));
      this.#type = type;
      buffer.onupdateend = () => {
        if (buffer !== this.#buffer) return;
        this.#follow(false);
        this.#pump();
      };
      this.#pump();
    };
    video.src = URL.createObjectURL(media);
    this.#play();
  }

  #close() {
    this.#media = this.#buffer = null;
    this.connected();
    this.video.removeAttribute("src");
    this.video.load();
  }

  /** Begins anew, unless that was tried too often. */
  #fail(reason) {
    console.info("lenscast: the video begins anew:", reason);
    const at = now();
    this.#failures = [...this.#failures.filter((then) => then > at - TRIES_WITHIN), at];
    this.#close();
    if (this.#failures.length >= TRIES) this.owner.giveUp(S.keepsFailing);
    else this.owner.again();
  }

  /** Appends what is next when the buffer is ready. */
  #pump() {
    const buffer = this.#buffer;
    if (!buffer || buffer.updating || !this.#queue.length) return;
    try {
      if (this.#trim(KEEP * 2)) return;
      const next = this.#queue[0];
      if (next.type && next.type !== this.#type) {
        buffer.changeType(next.type);
        this.#type = next.type;
      }
      if (next.pts !== undefined) {
        if (this.#offset === null) {
          // Right behind what is there, whatever the server's clock says: small numbers, and no jump back.
          const { buffered } = buffer;
          this.#offset = (buffered.length ? buffered.end(buffered.length - 1) : 0) - next.pts;
          buffer.timestampOffset = this.#offset;
        }
        this.#newest = next.pts + this.#offset;
      }
      buffer.appendBuffer(next.data);
      this.#queue.shift();
    } catch (error) {
      const full = error.name === "QuotaExceededError";
      if (!full || !this.#trim(KEEP / 2)) this.#fail(error.message);
    }
  }

  /** Removes what is long past if there is more than `most` seconds of it; true when the buffer is busy with that. */
  #trim(most) {
    const buffer = this.#buffer;
    const { buffered } = buffer;
    // Nobody moves a hidden player on; what it holds is of no use.
    const here = unseen() ? this.#newest : Math.min(this.video.currentTime, this.#newest);
    if (!buffered.length || here - buffered.start(0) <= most) return false;
    buffer.remove(0, Math.max(here - KEEP, buffered.start(0) + 0.01));
    return true;
  }

  /** Stays at the live edge: by a little more speed, or by a jump. */
  #follow(anew) {
    const { video, facts } = this;
    const { buffered } = video;
    if (unseen() || !buffered.length) return;
    const start = buffered.start(buffered.length - 1);
    const end = buffered.end(buffered.length - 1);
    // The end is an estimate far in the future: only the newest frame's own time says what is live.
    const aim = Math.min(0.5, 1.2 * facts.interval + 0.02);
    const lag = this.#newest - video.currentTime;
    const outside = video.currentTime < start - 0.05 || video.currentTime > end;
    if (anew || outside || lag > Math.max(TOO_FAR, 3 * facts.interval)) {
      // A jump under way is as good as another, unless it leads nowhere.
      if (!video.seeking || outside) video.currentTime = Math.min(Math.max(this.#newest - aim, start), end);
      return;
    }
    const rate = Math.round(Math.min(1.1, Math.max(0.95, 1 + (lag - aim) / 2)) * 50) / 50;
    if (Math.abs(video.playbackRate - rate) > 0.01) video.playbackRate = rate;
  }

  #play() {
    const blocked = (is) => (this.facts.blocked = is);
    // Other errors (a new source, an end) are no refusal.
    this.video.play().then(() => blocked(false), (error) => error.name === "NotAllowedError" && blocked(true));
  }

  /** Notes each picture that is really shown. */
  #watch() {
    this.#callback = this.video.requestVideoFrameCallback((_, { mediaTime, width, height }) => {
      if (this.#offset !== null) this.facts.pictured(mediaTime - this.#offset, width, height);
      this.#watch();
    });
  }
}
