// The worker that plays H.264 through WebCodecs: one connection and one decoder a picture, for all pictures of a page.
// Each frame is drawn as soon as it is decoded. `webcodecs.js` is the page's side.

import { Connection } from "./connection.js";
import { codecOf, header, spsOf } from "./frame.js";

/** So many frames that wait for the decoder, the oldest for so many milliseconds, and it is too slow. */
const BEHIND = 4;
const TOO_LATE = 500;
/** Milliseconds for which reports that nobody waits for are collected. */
const COLLECT = 100;

/** Milliseconds on a clock that the page can read too. */
const time = () => performance.timeOrigin + performance.now();

let reports = [];
let timer = 0;

function report(id, ...what) {
  reports.push([id, ...what]);
  timer ||= setTimeout(flush, COLLECT);
}

function flush() {
  clearTimeout(timer);
  timer = 0;
  if (reports.length) postMessage(reports);
  reports = [];
}

class Picture {
  #connection = null;
  #decoder = null;
  /** What the decoder was made ready for. */
  #sps = "";
  #codec = "";
  /** The frames in the decoder: their time stamps in microseconds, and when they came. */
  #decoding = [];
  /** Nothing can be decoded before the next key frame. */
  #broken = true;
  /** Nothing was drawn yet of this connection: the page waits for it. */
  #fresh = true;

  constructor(id, canvas) {
    this.id = id;
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
  }

  /** Connects anew, or not at all when `url` is null. */
  connect(url) {
    this.#connection?.close();
    this.#connection = null;
    this.#reset();
    if (!url) return;
    const tell = (...what) => {
      report(this.id, ...what);
      flush();
    };
    this.#connection = new Connection(url, {
      open: () => {
        this.#reset();
        this.#fresh = true;
        tell("open");
      },
      lost: () => tell("lost"),
      text: (text) => tell("text", text),
      binary: (data) => this.#frame(data),
    });
  }

  #frame(data) {
    const frame = header(data);
    if (!frame) return;
    const at = time();
    const { pts, bytes, arrival } = frame;
    report(this.id, "arrived", { pts, bytes, arrival }, at);
    const decoding = this.#decoding;
    if (decoding.length > BEHIND && at - decoding[0].at > TOO_LATE) {
      report(this.id, "late", decoding.length);
      this.#reset();
    }
    const unit = new Uint8Array(data, frame.length);
    try {
      if (frame.key) this.#configure(spsOf(unit));
      if (this.#broken) return;
      const timestamp = Math.round(pts * 1e6);
      decoding.push({ timestamp, at });
      this.#decoder.decode(new EncodedVideoChunk({ type: frame.key ? "key" : "delta", timestamp, data: unit }));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A key frame comes: whatever was, the decoder is ready for it. */
  #configure(sps) {
    this.#broken = !sps;
    if (!sps || (this.#decoder && String(sps) === this.#sps)) return;
    const decoder = (this.#decoder ??= this.#make());
    const config = { codec: codecOf(sps), optimizeForLatency: true };
    decoder.configure(config);
    this.#sps = String(sps);
    if (config.codec === this.#codec) return;
    this.#codec = config.codec;
    VideoDecoder.isConfigSupported(config).then(({ supported }) => supported || report(this.id, "unable", config.codec));
  }

  #make() {
    const decoder = new VideoDecoder({
      output: (picture) => (decoder === this.#decoder ? this.#draw(picture) : picture.close()),
      error: (error) => decoder === this.#decoder && this.#fail(error),
    });
    return decoder;
  }

  #draw(picture) {
    const { canvas } = this;
    const { displayWidth: width, displayHeight: height, timestamp } = picture;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    this.context.drawImage(picture, 0, 0, width, height);
    picture.close();
    this.#decoding = this.#decoding.filter((frame) => frame.timestamp > timestamp);
    report(this.id, "pictured", timestamp / 1e6, width, height, time());
    if (this.#fresh) flush();
    this.#fresh = false;
  }

  #fail(error) {
    this.#reset();
    report(this.id, "failed", error.message);
    flush();
  }

  /** Forgets what is in the decoder. */
  #reset() {
    this.#broken = true;
    this.#decoding = [];
    const decoder = this.#decoder;
    this.#decoder = null;
    if (decoder && decoder.state !== "closed") decoder.close();
  }
}

const pictures = new Map();

onmessage = ({ data: { id, canvas, url, end } }) => {
  if (canvas) pictures.set(id, new Picture(id, canvas));
  else if (!end) pictures.get(id).connect(url);
  else {
    pictures.get(id).connect(null);
    pictures.delete(id);
  }
};
