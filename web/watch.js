// A connection, the facts about it, and the player that suits the browser. Players have `connected()` (the stream begins
// anew), `message(data)`, `tick(hidden)` a few times a second, `stop()` for good, and maybe `play()` for a click.

import { Connection } from "./connection.js";
import { Facts, now } from "./facts.js";
import { JpegPlayer } from "./jpeg.js";
import { MsePlayer } from "./mse.js";

/** Seconds without a frame of a live camera until the connection is given up. */
const DEAD = 8;

export class Watch {
  facts = new Facts();
  /** "video" or "jpeg". */
  way = "";
  /** Why it is JPEGs though video was wanted, or empty. */
  reason = "";
  #player = null;
  #connection = null;

  /** `screens` are a `video` and a `canvas`; `changed()` is called when there is something to be seen at once. */
  constructor(where, screens, way, changed) {
    this.where = where;
    this.screens = screens;
    this.changed = changed;
    const obstacle = way === "video" && MsePlayer.obstacle();
    this.#begin(obstacle ? "jpeg" : way, obstacle || "");
  }

  /** To be called a few times a second. */
  tick() {
    const { facts } = this;
    this.#player.tick(document.hidden);
    if (facts.link === "open" && facts.camera === "live" && now() - facts.arrivedAt > DEAD) this.#again();
  }

  play() {
    this.#player.play?.();
  }

  #begin(way, reason = "") {
    this.#player?.stop();
    this.#connection?.close();
    const { facts, screens } = this;
    this.way = way;
    this.reason = reason;
    const owner = { again: () => this.#again(), giveUp: (why) => this.#begin("jpeg", why) };
    const player =
      way === "video" ? new MsePlayer(screens.video, facts, owner) : new JpegPlayer(screens.canvas, facts);
    this.#player = player;
    this.#connection = new Connection(this.where.socket(player.constructor.format), {
      open: () => {
        facts.setLink("open");
        player.connected();
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
    });
    this.changed();
  }

  #again() {
    this.facts.setLink("lost");
    this.#connection.restart();
    this.changed();
  }
}
