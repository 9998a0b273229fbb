// Draws the camera's JPEGs as they come: the newest, always.

import { make } from "./dom.js";
import { header } from "./frame.js";

export class JpegPlayer {
  static format = "jpeg";
  element = make("canvas", { class: "screen", width: "0", height: "0" });
  #context = this.element.getContext("2d", { alpha: false });
  #next = null;
  #busy = false;
  #stopped = false;

  constructor(facts, owner) {
    this.facts = facts;
    this.owner = owner;
  }

  static obstacle() {
    return undefined;
  }

  connected() {
    this.#next = null;
  }

  message(data) {
    const frame = header(data);
    if (!frame) return;
    this.facts.arrived(frame);
    if (this.#next && !this.owner.unseen) this.facts.late += 1;
    this.#next = { data, frame };
    this.#draw();
  }

  tick() {
    this.#draw();
  }

  stop() {
    this.#stopped = true;
  }

  /** Draws the newest picture, then the newest after it. What came in between is left out. */
  async #draw() {
    if (this.#busy) return;
    this.#busy = true;
    while (this.#next && !this.owner.unseen && !this.#stopped) {
      const { data, frame } = this.#next;
      this.#next = null;
      try {
        const bytes = new Uint8Array(data, frame.length);
        this.#paint(await createImageBitmap(new Blob([bytes], { type: "image/jpeg" })), frame.pts);
      } catch {
        // The next may be good.
      }
    }
    this.#busy = false;
  }

  #paint(picture, pts) {
    const { element } = this;
    const { width, height } = picture;
    if (element.width !== width || element.height !== height) Object.assign(element, { width, height });
    this.#context.drawImage(picture, 0, 0);
    picture.close();
    this.facts.pictured(pts, width, height);
  }
}
