// A WebSocket that comes back by itself.

const FIRST_PAUSE = 500; // ms
const LONGEST_PAUSE = 5000;
/** A server that does not answer is asked again after this long. */
const PATIENCE = 5000;
/** The server says something every 10 s; scripts do not see pings. Silence for this long means that the network is gone. */
const SILENCE = 25000;

export class Connection {
  #socket = null;
  #pause = FIRST_PAUSE;
  #timer = 0;
  #heard = 0;

  /** `listener` has `open()`, `lost()` (at the end, and when an attempt failed), `text(string)`, `binary(ArrayBuffer)`. */
  constructor(url, listener) {
    this.url = url;
    this.listener = listener;
    // The network is back: no need to wait for the next attempt.
    addEventListener("online", () => this.#socket || this.#connect());
    this.#connect();
  }

  /** Ends this connection and begins another at once. */
  restart() {
    this.#drop();
    this.#connect();
  }

  /** Ends for good. */
  close() {
    this.#drop();
    this.#connect = () => {};
  }

  #connect = () => {
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
      this.#watch(socket);
      this.listener.open();
    });
    socket.onmessage = current(({ data }) => {
      this.#pause = FIRST_PAUSE;
      this.#heard = performance.now();
      if (typeof data === "string") this.listener.text(data);
      else this.listener.binary(data);
    });
    socket.onclose = current(() => this.#lost(socket));
  };

  #watch(socket) {
    this.#timer = setTimeout(() => {
      if (performance.now() - this.#heard > SILENCE) this.#lost(socket);
      else this.#watch(socket);
    }, SILENCE / 5);
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
