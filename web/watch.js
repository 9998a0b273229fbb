// A connection, the facts about it, and the best way of playing that the browser has. Players have `element`,
// `connected()` (the stream begins anew), `message(data)`, `tick()` a few times a second, `stop()` for good, and maybe
// `play()` for a click, `reset()` after a failure, and `connect()` when the connection is their own.

import { serverClock } from "./clock.js";
import { Connection } from "./connection.js";
import { Facts, now } from "./facts.js";
import { JpegPlayer } from "./jpeg.js";
import { MsePlayer } from "./mse.js";
import { PictureInPicture } from "./pip.js";
import { STRINGS as S } from "./strings.js";
import { WebCodecsPlayer } from "./webcodecs.js";

/**
 * Seconds without a frame of a live camera until the connection is given up; more where that happened just now, and never
 * sooner than so many seconds after the server should have called the camera silent.
 */
const DEAD = 8;
const DEAD_LATER = 5;
const DEAD_AT_MOST = 30;
const JUST_NOW = 60;
/** Seconds without a picture, though more than a few frames came, after which the player begins anew. */
const FROZEN = 6;
const FEW = 4;
/** So many failures in so many seconds, and the next way is tried. */
const TRIES = 4;
const TRIES_WITHIN = 30;
/** Seconds in which JPEGs come and no video of them, until the JPEGs are shown. */
const NO_VIDEO = 4;
/** Seconds until video is tried again after that, doubled each time. */
const AGAIN = 60;
const AGAIN_AT_MOST = 3600;
/** Seconds in a tab that nobody sees until the stream ends. */
const UNSEEN = 10;

/** The best first. */
const WAYS = { webcodecs: WebCodecsPlayer, mse: MsePlayer, jpeg: JpegPlayer };

export class Watch {
  facts = new Facts();
  /** "webcodecs", "mse" or "jpeg": what plays now. */
  way = "";
  /** Why it is not a better way, or empty. */
  reason = "";
  #player = null;
  #connection = null;
  #startedAt = 0;
  #failures = [];
  #patience = DEAD;
  #deadAt = -Infinity;
  #held = false;
  #hiddenAt = null;
  /** The way that had no video, when it is tried again, and how long that took. */
  #without = null;
  #ended = new AbortController();
  #floats = new PictureInPicture();

  /**
   * Plays in `screen`, an empty element. `way` is "auto" or the one to begin with; `changed()` is called when there is
   * something to be seen at once.
   */
  constructor(where, screen, way, changed) {
    this.where = where;
    this.screen = screen;
    this.changed = changed;
    this.facts.clock = serverClock(where);
    const network = () => (this.facts.offline = navigator.onLine === false);
    for (const event of ["online", "offline"]) addEventListener(event, network, { signal: this.#ended.signal });
    network();
    document.addEventListener("visibilitychange", () => this.#update(), { signal: this.#ended.signal });
    this.#begin(way === "auto" ? "webcodecs" : way);
  }

  /** What shows the picture: a `video` or a `canvas`. */
  get element() {
    return this.#player.element;
  }

  /** Whether nobody can see the picture, as far as the browser tells. */
  get unseen() {
    return document.hidden && !this.#floats.is;
  }

  get canPictureInPicture() {
    return this.#floats.possible(this.element);
  }

  /** Shows the picture in a window of its own, above others, or puts it back. Only for a click. */
  pictureInPicture() {
    return this.#floats.toggle(this.element);
  }

  /** To be called a few times a second. */
  tick() {
    const { facts } = this;
    this.#update();
    this.#player.tick();
    if (facts.link !== "open" || facts.camera !== "live") return;
    const at = now();
    if (facts.unplayedSince !== null && at - facts.unplayedSince > NO_VIDEO) return this.#noVideo(at);
    if (this.#without && at > this.#without.until) return this.#tryVideo(at);
    if (at - facts.arrivedAt > Math.max(this.#patience, facts.silentAfter + DEAD_LATER)) return this.#dead(at);
    if (this.unseen || facts.blocked) return;
    const frozen = at - Math.max(facts.shownAt, facts.cameraAt, this.#startedAt);
    if (frozen > FROZEN && facts.waiting > FEW) this.failed("no picture");
  }

  play() {
    this.#player.play?.();
  }

  /** Ends the stream and keeps the picture, since nobody sees it. */
  pause() {
    this.#held = true;
    this.#update();
  }

  resume() {
    this.#held = false;
    this.#update();
  }

  /** Ends for good. */
  stop() {
    this.#ended.abort();
    this.#connection?.close();
    this.#floats.end();
    this.#player.stop();
    this.#player.element.remove();
  }

  /** For players: begins anew, by the next way if that was tried too often. */
  failed(reason) {
    console.info("lenscast: the picture begins anew:", reason);
    const at = now();
    this.#failures = [...this.#failures.filter((then) => then > at - TRIES_WITHIN), at];
    this.#player.reset?.();
    if (this.#failures.length >= TRIES && this.way !== "jpeg") this.giveUp(S.keepsFailing);
    else this.#again();
  }

  /** For players: this browser cannot play this. */
  giveUp(reason) {
    const names = Object.keys(WAYS);
    this.#begin(names[names.indexOf(this.way) + 1] ?? this.way, reason);
  }

  /** Shows the JPEGs, since they come, and no video does. Tries video again later: what is wrong with it may be mended. */
  #noVideo(at) {
    const pause = Math.min(2 * (this.#without?.pause ?? AGAIN / 2), AGAIN_AT_MOST);
    this.#without = { way: this.way, pause, until: at + pause };
    this.#begin("jpeg", S.noVideoOf(this.facts.trouble));
  }

  #tryVideo(at) {
    const without = this.#without;
    // It has played since for as long.
    if (this.way !== "jpeg") this.#without = null;
    else if (this.facts.trouble) without.until = at + without.pause;
    else {
      without.until = at + without.pause;
      this.#begin(without.way);
    }
  }

  #begin(way, reason = "") {
    this.#connection?.close();
    this.#connection = null;
    this.#floats.end();
    this.#player?.stop();
    this.#player?.element.remove();
    this.#failures = [];
    this.way = way;
    const obstacle = WAYS[way].obstacle();
    this.reason = reason;
    if (obstacle) return this.giveUp(obstacle);
    this.facts.video = way !== "jpeg";
    this.facts.unplayedSince = null;
    this.#player = new WAYS[way](this.facts, this);
    this.screen.append(this.#player.element);
    this.#update();
  }

  /** Connects or disconnects, as there is somebody to see it or not. */
  #update() {
    const { facts } = this;
    this.#hiddenAt = this.unseen ? (this.#hiddenAt ?? now()) : null;
    const asleep = this.#hiddenAt !== null && now() - this.#hiddenAt > UNSEEN;
    const paused = asleep || (this.#held && !this.#floats.is);
    if (paused === !this.#connection || this.#ended.signal.aborted) return;
    if (paused) {
      this.#connection.close();
      this.#connection = null;
      facts.setLink("paused");
    } else {
      facts.setLink("connecting");
      this.#connection = this.#connect();
    }
    this.changed();
  }

  #connect() {
    const player = this.#player;
    const { facts } = this;
    this.#startedAt = now();
    const url = this.where.socket(player.constructor.format);
    const listener = {
      open: () => {
        facts.setLink("open");
        facts.clock.renew();
        player.connected();
        this.#startedAt = now();
        this.changed();
      },
      lost: () => {
        facts.setLink("lost");
        this.changed();
      },
      text: (text) => {
        facts.event(text);
        this.changed();
      },
      binary: (data) => player.message(data),
    };
    return player.connect?.(url, listener) ?? new Connection(url, listener);
  }

  /** Where frames are that slow, each of them needs more time. */
  #dead(at) {
    const often = at - this.#deadAt < this.#patience + JUST_NOW;
    this.#patience = often ? Math.min(2 * this.#patience, DEAD_AT_MOST) : DEAD;
    this.#deadAt = at;
    this.#again();
  }

  #again() {
    if (!this.#connection) return;
    this.facts.setLink("lost");
    this.#connection.restart();
    this.changed();
  }
}
