// Plays the server's fMP4 fragments through Media Source Extensions, at the live edge.

import { make } from "./dom.js";
import { codecOf, isInit, timeOf } from "./mp4.js";
import { STRINGS as S } from "./strings.js";

/** Seconds behind the newest frame at which it is no use to hurry: jump. */
const TOO_FAR = 0.5;
/** Seconds of past kept in the buffer: more than from key frame to key frame (2 s). */
const KEEP = 4;
/** iPhones have only the managed one. */
const Source = globalThis.MediaSource ?? globalThis.ManagedMediaSource;

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
  #callback;
  element = make("video", { class: "screen", playsinline: "", autoplay: "", tabindex: "-1", "aria-hidden": "true" });

  constructor(facts, owner) {
    const video = (this.video = this.element);
    // The attribute alone does not mute a video made by a script.
    video.muted = true;
    this.facts = facts;
    this.owner = owner;
    video.onerror = () => this.#media && this.owner.failed(video.error?.message);
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
    this.facts.arrived({ pts, bytes: data.byteLength });
    this.#queue.push({ data, pts });
    this.#pump();
  }

  tick() {
    if (!this.#media || this.facts.blocked || this.owner.unseen) return;
    if (this.video.paused) this.#play();
    this.#follow(false);
  }

  play() {
    this.#play();
    this.#follow(true);
  }

  /** Begins anew with the next init segment. */
  reset() {
    this.#media = this.#buffer = null;
    this.connected();
    this.video.removeAttribute("src");
    this.video.load();
  }

  stop() {
    this.video.cancelVideoFrameCallback(this.#callback);
    this.reset();
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
      if (!full || !this.#trim(KEEP / 2)) this.owner.failed(error.message);
    }
  }

  /** Removes what is long past if there is more than `most` seconds of it; true when the buffer is busy with that. */
  #trim(most) {
    const buffer = this.#buffer;
    const { buffered } = buffer;
    // Nobody moves a hidden player on; what it holds is of no use.
    const here = this.owner.unseen ? this.#newest : Math.min(this.video.currentTime, this.#newest);
    if (!buffered.length || here - buffered.start(0) <= most) return false;
    buffer.remove(0, Math.max(here - KEEP, buffered.start(0) + 0.01));
    return true;
  }

  /** Stays at the live edge: by a little more speed, or by a jump. */
  #follow(anew) {
    const { video, facts } = this;
    const { buffered } = video;
    if (this.owner.unseen || !buffered.length) return;
    const start = buffered.start(buffered.length - 1);
    const end = buffered.end(buffered.length - 1);
    // The end is an estimate far in the future: only the newest frame's own time says what is live.
    const aim = Math.min(0.25, 0.6 * facts.interval + 0.06);
    const lag = this.#newest - video.currentTime;
    const outside = video.currentTime < start - 0.05 || video.currentTime > end;
    if (anew || outside || lag > Math.max(TOO_FAR, 3 * facts.interval)) {
      // A jump under way is as good as another, unless it leads nowhere.
      if (!video.seeking || outside) video.currentTime = Math.min(Math.max(this.#newest - aim, start), end);
      return;
    }
    this.#setRate(lag, aim);
  }

  #setRate(lag, aim) {
    const { video } = this;
    const { interval } = this.facts;
    // Nothing comes: time must stop, or what comes then is old already and not shown.
    if (lag < -interval - 0.05 || (video.playbackRate === 0 && lag < aim / 2)) video.playbackRate = 0;
    else {
      const rate = Math.round(Math.min(1.1, Math.max(0.95, 1 + (lag - aim) / 2)) * 50) / 50;
      if (Math.abs(video.playbackRate - rate) > 0.01) video.playbackRate = rate;
    }
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
