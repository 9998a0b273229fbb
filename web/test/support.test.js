// The slow network that other tests rely on.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { slow } from "./support/slow.js";
import { scene } from "./support/world.js";

/** A server that gives each client so many bytes. It counts clients and what the kernel took, and keeps what it hears. */
async function source(world, bytes) {
  const handed = { clients: 0, bytes: 0, heard: "" };
  const server = createServer((socket) => {
    handed.clients += 1;
    socket.on("error", () => {});
    socket.on("data", (data) => (handed.heard += data));
    let left = bytes;
    const more = () => {
      if (left === 0) return socket.end();
      const piece = Buffer.alloc(Math.min(left, 1000), 0x61);
      left -= piece.length;
      socket.write(piece, () => {
        handed.bytes += piece.length;
        more();
      });
    };
    more();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  world.atEnd(() => server.close());
  return Object.assign(handed, { port: server.address().port });
}

/** A client that counts what it gets. */
function client(world, port) {
  const socket = connect({ port, host: "127.0.0.1" });
  const got = { bytes: 0, over: new Promise((resolve) => socket.on("close", resolve)), write: (data) => socket.write(data) };
  socket.on("error", () => {});
  socket.on("data", (data) => (got.bytes += data.length));
  world.atEnd(() => socket.destroy());
  return got;
}

async function until(condition) {
  while (!condition()) await new Promise(setImmediate);
}

scene("a slow link brings everything, and no sooner than it can", async (world) => {
  const { port } = await source(world, 100_000);
  const link = await slow(world, port, { bytesPerSecond: 200_000 });
  const started = performance.now();
  const both = [client(world, link.port), client(world, link.port)];
  await Promise.all(both.map(({ over }) => over));
  assert.deepEqual(both.map(({ bytes }) => bytes), [100_000, 100_000]);
  assert.ok(performance.now() - started >= 950, "two clients share the link");
});

scene("a link that stands still moves nothing in either direction until it goes on", async (world) => {
  const server = await source(world, 50_000_000);
  const link = await slow(world, server.port);
  const reader = client(world, link.port);
  await until(() => reader.bytes > 100_000);
  link.stall();
  reader.write("hello");
  // The server is stopped by what nobody takes.
  for (let before = -1; before !== server.bytes; ) {
    before = server.bytes;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.ok(server.bytes < 50_000_000 && server.heard === "");
  const then = reader.bytes;
  assert.ok(server.bytes > then);
  link.go();
  await reader.over;
  assert.deepEqual([reader.bytes, server.heard], [50_000_000, "hello"]);
});

scene("a link that is cut ends its connections, and takes new ones", async (world) => {
  const server = await source(world, 50_000);
  const link = await slow(world, server.port, { bytesPerSecond: 1 });
  const first = client(world, link.port);
  await until(() => server.clients === 1);
  link.cut();
  await first.over;
  assert.equal(first.bytes, 0);
  link.throttle(Infinity);
  const second = client(world, link.port);
  await second.over;
  assert.equal(second.bytes, 50_000);
});
