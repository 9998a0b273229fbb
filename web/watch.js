// A connection, the facts about it, and the player that suits the browser.

import { Connection } from "./connection.js";
import { Facts, now } from "./facts.js";
import { JpegPlayer } from "./jpeg.js";
import { MsePlayer } from "./mse.js";

/** With a live camera but without a message for this long (seconds), the connection is dead though nobody said so. */
const DEAD = 8;

export class Watch {
  facts = new Facts();
  /** "video" or "jpeg". */
  way = "";
  /** Why it is JPEGs though video was wanted; empty when it is not so. */
  reason = "";
  #player = null;
  #connection = null;

  /**
   * @param {{socket(format: string): string}} where the camera's addresses
   * @param {{video: HTMLVideoElement, canvas: HTMLCanvasElement}} screens
   * @param {"video"|"jpeg"} way what is wanted
   * @param {() => void} changed called when something happened that a person may want to know at once
   */
  constructor(where, screens, way, changed) {
    this.where = where;
    this.screens = screens;
    this.changed = changed;
    const obstacle = way === "video" ? MsePlayer.obstacle() : undefined;
    if (way === "video" && !obstacle) this.#begin("video");
    else this.#begin("jpeg", obstacle);
  }

  /** To be called a few times a second. */
  tick() {
    const { facts } = this;
    this.#player.tick(document.hidden);
    if (facts.link === "open" && facts.camera === "live" && now() - facts.arrivedAt > DEAD) this.#again();
  }

  /** After a click, where a browser wants one. */
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
