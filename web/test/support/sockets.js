// Sockets that do what a test says, where there is no browser.

/** Replaces what a connection needs of the browser; `sockets` are those that were made. */
export function browser(t) {
  const sockets = [];
  const events = new EventTarget();
  class Socket {
    static OPEN = 1;
    readyState = 0;
    constructor() {
      sockets.push(this);
    }
    open() {
      this.readyState = Socket.OPEN;
      this.onopen();
    }
    close() {
      this.readyState = 3;
    }
  }
  const before = { WebSocket: globalThis.WebSocket, addEventListener: globalThis.addEventListener };
  Object.assign(globalThis, { WebSocket: Socket, addEventListener: events.addEventListener.bind(events) });
  t.mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"] });
  t.after(() => Object.assign(globalThis, before));
  return { sockets, events };
}
