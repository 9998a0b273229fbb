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

  constructor(canvas, facts) {
    this.canvas = canvas;
    this.facts = facts;
    this.context = canvas.getContext("2d", { alpha: false });
  }

  connected() {
    this.#next = null;
  }

  message(data) {
    const head = header(data);
    if (!head) return;
    this.facts.arrived(head.pts);
    this.#next = { data, head };
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
    while (this.#next && !document.hidden && !this.#stopped) {
      const { data, head } = this.#next;
      this.#next = null;
      try {
        const picture = await createImageBitmap(new Blob([new Uint8Array(data, head.length)], { type: "image/jpeg" }));
        this.#paint(picture, head.pts);
      } catch {
        // The next may be good.
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
