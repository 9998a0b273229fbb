// A network that is slow, stands still, or breaks: a TCP proxy before a server.

import { connect, createServer } from "node:net";
import { setTimeout as after } from "node:timers/promises";

/** So much is read from the server at once, that little waits in here. */
const PIECE = 4096;

/**
 * Starts a proxy before the server on this port of 127.0.0.1. All its connections share a link of so many bytes a second
 * from the server to its clients; what clients send is quick. A server notices that nothing moves when the kernel's
 * buffers are full: those of a proxy cannot be made small from here, and hold a few 100 kB.
 */
export async function slow(world, port, { bytesPerSecond = Infinity } = {}) {
  const link = new Link(port, bytesPerSecond);
  world.atEnd(() => link.end());
  await link.listen();
  return link;
}

class Link {
  /** Where clients find it, as `port` and as the `url` of a page. */
  port;
  url;
  #server;
  #rate;
  /** When the link is done with what was sent, by `performance.now()`. */
  #free = 0;
  #standing = null;
  #connections = new Set();

  constructor(target, bytesPerSecond) {
    this.#rate = bytesPerSecond;
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => this.#join(client, target));
  }

  listen() {
    return new Promise((resolve, reject) => {
      this.#server.on("error", reject);
      this.#server.listen(0, "127.0.0.1", () => {
        this.port = this.#server.address().port;
        this.url = `http://127.0.0.1:${this.port}/`;
        resolve();
      });
    });
  }

  /** From now on it carries so many bytes a second. */
  throttle(bytesPerSecond) {
    this.#rate = bytesPerSecond;
    this.#free = 0;
  }

  /** Nothing moves any more, in either direction, and nobody is told. */
  stall() {
    if (this.#standing) return;
    let go;
    this.#standing = Object.assign(new Promise((resolve) => (go = resolve)), { go });
  }

  /** Everything moves again. */
  go() {
    this.#standing?.go();
    this.#standing = null;
  }

  /** Breaks all connections. New ones are welcome. */
  cut() {
    for (const connection of this.#connections) connection.destroy();
  }

  async end() {
    this.cut();
    this.go();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client, target) {
    let there = null;
    const upstream = connect({
      host: "127.0.0.1",
      port: target,
      noDelay: true,
      allowHalfOpen: true,
      onread: {
        buffer: Buffer.alloc(PIECE),
        callback: (length, buffer) => {
          there = this.#carry(Buffer.from(buffer.subarray(0, length)), client).then(() => upstream.resume());
          return false;
        },
      },
    });
    const both = {
      destroy: () => {
        this.#connections.delete(both);
        client.destroy();
        upstream.destroy();
      },
    };
    this.#connections.add(both);
    for (const socket of [client, upstream]) socket.on("error", both.destroy).on("close", both.destroy);
    upstream.on("end", async () => {
      await there;
      client.end();
    });
    client.on("data", async (piece) => {
      client.pause();
      await this.#standing;
      await write(upstream, piece);
      client.resume();
    });
    client.on("end", () => upstream.end());
  }

  /** Takes a piece to a client, when it is its turn. */
  async #carry(piece, client) {
    await this.#standing;
    const rate = this.#rate;
    const due = Math.max(this.#free, performance.now()) + (1000 * piece.length) / rate;
    this.#free = due;
    // A timer's own delay must not make a quick link slow; another rate counts at once.
    for (let left; (left = due - performance.now()) > 2 && rate === this.#rate && !client.destroyed; ) {
      await after(Math.min(left, 20));
    }
    await this.#standing;
    await write(client, piece);
  }
}

/** Writes, and waits until the kernel took it or the socket is gone. */
function write(socket, piece) {
  return new Promise((resolve) => {
    if (!socket.writable) return resolve();
    socket.write(piece, () => resolve());
  });
}
