// A WebSocket that comes back by itself. Works on pages and in workers.

const FIRST_PAUSE = 500; // ms
const LONGEST_PAUSE = 5000;
/** A server that does not answer is asked again after this long. */
const PATIENCE = 5000;
/** The server says something every 10 s; scripts do not see pings. Silence for this long means that the network is gone. */
const SILENCE = 25000;
/**
 * Nothing ran here for this long by the clock of the wall: the computer slept, and the connection with it. Longer than
 * the server is ever quiet, since browsers slow the timers of pages that nobody sees, but not their sockets.
 */
const SLEPT = 15000;
const LOOK = 1000;

export class Connection {
  #socket = null;
  #pause = FIRST_PAUSE;
  #timer = 0;
  #looks = 0;
  #heard = 0;
  #awake = Date.now();
  #ended = new AbortController();

  /** `listener` has `open()`, `lost()` (at the end, and when an attempt failed), `text(string)`, `binary(ArrayBuffer)`. */
  constructor(url, listener) {
    this.url = url;
    this.listener = listener;
    // The network is back, or another one: no need to wait until the old connection is known to be dead.
    addEventListener("online", () => this.#renew(), { signal: this.#ended.signal });
    this.#looks = setInterval(() => this.#look(), LOOK);
    this.#connect();
  }

  /** Ends this connection and begins another at once. */
  restart() {
    this.#drop();
    this.#connect();
  }

  /** Ends for good. */
  close() {
    this.#ended.abort();
    clearInterval(this.#looks);
    this.#drop();
  }

  #connect() {
    clearTimeout(this.#timer);
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#lost(socket), PATIENCE);
    // A socket that was given up may still speak: only the current one is heard.
    const current = (handle) => (event) => socket === this.#socket && handle(event);
    socket.onopen = current(() => {
      clearTimeout(this.#timer);
      this.#heard = performance.now();
      this.listener.open();
    });
    socket.onmessage = current(({ data }) => {
      if (this.#slept()) return;
      this.#pause = FIRST_PAUSE;
      this.#heard = performance.now();
      if (typeof data === "string") this.listener.text(data);
      else this.listener.binary(data);
    });
    socket.onclose = current(() => this.#lost(socket));
  }

  #look() {
    if (this.#slept()) return;
    const socket = this.#socket;
    if (socket?.readyState === WebSocket.OPEN && performance.now() - this.#heard > SILENCE) this.#lost(socket);
  }

  /** Whether there was a gap in which nothing ran; what is left of the connection is renewed then. */
  #slept() {
    const gap = Date.now() - this.#awake;
    this.#awake += gap;
    if (gap > SLEPT) this.#renew();
    return gap > SLEPT;
  }

  #renew() {
    this.#pause = FIRST_PAUSE;
    const open = this.#socket?.readyState === WebSocket.OPEN;
    this.restart();
    if (open) this.listener.lost();
  }

  #lost(socket) {
    if (socket !== this.#socket) return;
    this.#drop();
    this.listener.lost();
    // Not all pages at the same moment when a server comes back.
    this.#timer = setTimeout(() => this.#connect(), this.#pause * (0.8 + Math.random() * 0.4));
    this.#pause = Math.min(this.#pause * 1.6, LONGEST_PAUSE);
  }

  #drop() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}
