// Plays H.264 through WebCodecs: the page's side of `decoder.js`, which does the work.

import { make } from "./dom.js";
import { STRINGS as S } from "./strings.js";

let worker = null;
let failed = false;
const players = new Map();
let count = 0;

/** The worker, one for all players of the page. */
function shared() {
  if (worker) return worker;
  worker = new Worker(new URL("decoder.js", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }) => data.forEach(([id, ...report]) => players.get(id)?.hear(...report));
  worker.onerror = () => {
    failed = true;
    for (const player of [...players.values()]) player.owner.giveUp(S.noWorker);
  };
  return worker;
}

/** The worker's clock in milliseconds → ours in seconds. */
const ours = (time) => (time - performance.timeOrigin) / 1000;

export class WebCodecsPlayer {
  static format = "h264";
  element = make("canvas", { class: "screen" });
  #id = ++count;
  #listener = null;

  constructor(facts, owner) {
    this.facts = facts;
    this.owner = owner;
    players.set(this.#id, this);
    const canvas = this.element.transferControlToOffscreen();
    shared().postMessage({ id: this.#id, canvas }, [canvas]);
  }

  /** Why this browser cannot play at all; nothing when it may. */
  static obstacle() {
    if (!globalThis.isSecureContext) return S.insecure;
    const able = globalThis.VideoDecoder && HTMLCanvasElement.prototype.transferControlToOffscreen;
    return able ? failed && S.noWorker : S.noWebCodecs;
  }

  /** The connection is the worker's. */
  connect(url, listener) {
    this.#listener = listener;
    this.#tell({ url });
    return {
      restart: () => this.#tell({ url }),
      close: () => {
        this.#listener = null;
        this.#tell({ url: null });
      },
    };
  }

  connected() {}

  tick() {}

  stop() {
    players.delete(this.#id);
    this.#tell({ end: true });
  }

  /** What the worker reports. */
  hear(what, ...details) {
    const { facts, owner } = this;
    // What was under way when the connection ended counts no more.
    if (!this.#listener) return;
    if (what === "open" || what === "lost") this.#listener[what]();
    else if (what === "text") this.#listener.text(details[0]);
    else if (what === "arrived") facts.arrived(details[0], ours(details[1]));
    else if (what === "pictured") facts.pictured(...details.slice(0, 3), ours(details[3]));
    else if (what === "late") facts.late += details[0];
    else if (what === "failed") owner.failed(details[0]);
    else if (what === "unable") owner.giveUp(S.noCodec(details[0]));
  }

  #tell(order) {
    worker.postMessage({ id: this.#id, ...order });
  }
}
