// The connection that comes back by itself, without a browser.

import assert from "node:assert/strict";
import test from "node:test";
import { Connection } from "../connection.js";
import { browser } from "./support/sockets.js";

/** A connection, and what it tells. */
function connect(t) {
  const said = [];
  const listener = { open: () => said.push("open"), lost: () => said.push("lost"), text: (text) => said.push(text), binary: () => {} };
  const connection = new Connection("ws://here", listener);
  t.after(() => connection.close());
  return { said, connection };
}

test("a connection that ended comes back by itself, and is over when it is closed", (t) => {
  const { sockets, events } = browser(t);
  const { said, connection } = connect(t);
  sockets[0].open();
  sockets[0].onmessage({ data: "hello" });
  sockets[0].onclose();
  assert.deepEqual([said.join(), sockets.length], ["open,hello,lost", 1]);
  t.mock.timers.tick(700);
  assert.equal(sockets.length, 2);
  // One that was given up is not heard.
  sockets[0].onmessage({ data: "late" });
  sockets[1].open();
  assert.equal(said.join(), "open,hello,lost,open");
  connection.close();
  events.dispatchEvent(new Event("online"));
  t.mock.timers.tick(60_000);
  assert.deepEqual([sockets.length, sockets[1].readyState, said.join()], [2, 3, "open,hello,lost,open"]);
});

test("after sleep, and in another network, a connection is made anew at once", (t) => {
  const { sockets, events } = browser(t);
  const { said } = connect(t);
  sockets[0].open();
  // Timers come late in pages that nobody sees, but the server speaks.
  for (let n = 0; n < 6; n++) {
    t.mock.timers.setTime(Date.now() + 10_000);
    sockets[0].onmessage({ data: "state" });
  }
  assert.equal(sockets.length, 1);
  // Nothing ran for a minute.
  t.mock.timers.setTime(Date.now() + 60_000);
  t.mock.timers.tick(1000);
  assert.deepEqual([sockets.length, sockets[0].readyState, said.at(-1)], [2, 3, "lost"]);
  sockets[1].open();
  events.dispatchEvent(new Event("online"));
  assert.deepEqual([sockets.length, sockets[1].readyState, said.slice(-2).join()], [3, 3, "open,lost"]);
});
