// Draws the camera's JPEGs as they come: the newest, always.

const HEADER = 24;
const VERSION = 1;

/** The header before each JPEG; undefined for one that this page does not know. */
export function header(buffer) {
  if (buffer.byteLength < HEADER) return undefined;
  const view = new DataView(buffer);
  const length = view.getUint16(2);
  if (view.getUint8(0) !== VERSION || length < HEADER || length > buffer.byteLength) return undefined;
  return { length, sequence: view.getUint32(4), pts: Number(view.getBigUint64(8)) / 1e6 };
}

export class JpegPlayer {
  static format = "jpeg";
  #next = null;
  #busy = false;
  #stopped = false;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {import("./facts.js").Facts} facts
   */
  constructor(canvas, facts) {
    this.canvas = canvas;
    this.facts = facts;
    this.context = canvas.getContext("2d", { alpha: false });
    this.#onVisible = () => this.#draw();
    document.addEventListener("visibilitychange", this.#onVisible);
  }

  #onVisible;

  /** A connection begins. */
  connected() {
    this.#next = null;
  }

  /** A binary message. */
  message(data) {
    const head = header(data);
    if (!head) return;
    this.facts.arrived(head.pts);
    this.#next = { data, head };
    this.#draw();
  }

  /** To be called a few times a second. */
  tick() {}

  /** Ends for good. */
  stop() {
    this.#stopped = true;
    document.removeEventListener("visibilitychange", this.#onVisible);
  }

  /** Draws the newest picture, and the newest after it, until there is none. What came in between is left out. */
  async #draw() {
    if (this.#busy) return;
    this.#busy = true;
    while (this.#next && !document.hidden && !this.#stopped) {
      const { data, head } = this.#next;
      this.#next = null;
      try {
        const picture = await createImageBitmap(new Blob([new Uint8Array(data, head.length)], { type: "image/jpeg" }));
        this.#paint(picture, head.pts);
      } catch {
        // One broken picture; the next may be good.
      }
    }
    this.#busy = false;
  }

  #paint(picture, pts) {
    const { canvas } = this;
    const { width, height } = picture;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    this.context.drawImage(picture, 0, 0);
    picture.close();
    this.facts.pictured(pts, width, height);
  }
}
