// The modules that need no browser.

import assert from "node:assert/strict";
import test from "node:test";
import { addresses } from "../addresses.js";
import { Facts } from "../facts.js";
import { header } from "../jpeg.js";
import { codecOf, isInit, timeOf } from "../mp4.js";
import { describe } from "../status.js";
import { span } from "../strings.js";

/** An MP4 box. */
function box(type, ...content) {
  const body = Buffer.concat(content.map((part) => Buffer.from(part)));
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + body.length);
  head.write(type, 4, "latin1");
  return Buffer.concat([head, body]);
}

const buffer = (...parts) => new Uint8Array(Buffer.concat(parts)).buffer;

test("the codec is read from the init segment", () => {
  const avcc = box("avcC", [1, 0x42, 0xc0, 0x0a, 0xff, 0xe1]);
  const stsd = box("stsd", Buffer.alloc(8), box("avc1", Buffer.alloc(78), box("colr", "nclx"), avcc));
  const init = buffer(
    box("ftyp", "iso5"),
    box("moov", box("mvhd", Buffer.alloc(100)), box("trak", box("mdia", box("minf", box("stbl", stsd))))),
  );
  assert.equal(isInit(init), true);
  assert.equal(codecOf(init), "avc1.42c00a");
});

test("the time of a fragment is read, beyond 33 and beyond 53 bits of trouble", () => {
  const fragment = (tfdt) => buffer(box("moof", box("mfhd", Buffer.alloc(8)), box("traf", box("tfhd", Buffer.alloc(8)), tfdt)), box("mdat", "x"));
  const long = (ticks) => {
    const bytes = Buffer.alloc(12);
    bytes[0] = 1;
    bytes.writeBigUInt64BE(ticks, 4);
    return box("tfdt", bytes);
  };
  assert.equal(isInit(fragment(long(0n))), false);
  assert.equal(timeOf(fragment(long(45_000n))), 0.5);
  assert.equal(timeOf(fragment(long(2n ** 33n))), 2 ** 33 / 90_000);
  assert.equal(timeOf(fragment(box("tfdt", [0, 0, 0, 0, 0, 1, 0x5f, 0x90]))), 1);
});

test("what is no MP4 is refused", () => {
  for (const bytes of [[], [0, 0, 0, 9], [0, 0, 0, 0, 109, 111, 111, 102], [0, 0, 1, 0, 109, 111, 111, 102, 0]]) {
    const data = new Uint8Array(bytes).buffer;
    assert.deepEqual([isInit(data), codecOf(data), timeOf(data)], [false, undefined, undefined]);
  }
});

test("the header before a JPEG is read, a longer one of a later version of it too", () => {
  const bytes = Buffer.alloc(40);
  bytes.writeUInt8(1, 0);
  bytes.writeUInt16BE(32, 2);
  bytes.writeUInt32BE(7, 4);
  bytes.writeBigUInt64BE(1_500_000n, 8);
  assert.deepEqual(header(buffer(bytes)), { length: 32, sequence: 7, pts: 1.5 });
  assert.equal(header(buffer(bytes.subarray(0, 23))), undefined);
  assert.equal(header(buffer(bytes.subarray(0, 31))), undefined);
  bytes.writeUInt8(2, 0);
  assert.equal(header(buffer(bytes)), undefined);
});

test("addresses follow the page's own", () => {
  const at = (url) => addresses(new URL(url));
  assert.equal(at("http://192.168.1.5:8080/").socket("fmp4"), "ws://192.168.1.5:8080/ws/viewer?format=fmp4&events=1");
  const garden = at("https://cam.example/mjpeg/garden");
  assert.equal(garden.socket("jpeg"), "wss://cam.example/ws/viewer/garden?format=jpeg&events=1");
  assert.deepEqual([garden.video, garden.jpeg], ["/camera/garden", "/mjpeg/garden"]);
  assert.deepEqual(garden.server, { host: "cam.example", port: "443", path: "/ws/camera/garden", loopback: false });
  assert.deepEqual(at("http://[fd00::5]:8080/camera/default").server, { host: "fd00::5", port: "8080", path: "/ws/camera", loopback: false });
  for (const host of ["localhost", "a.localhost", "127.0.0.1", "127.1.2.3", "[::1]"]) {
    assert.equal(at(`http://${host}/`).server.loopback, true, host);
  }
  for (const host of ["localhost.lan", "127.example", "10.0.0.127"]) {
    assert.equal(at(`http://${host}/`).server.loopback, false, host);
  }
});

/** Facts about a connection that opened at 10 s. */
function connected(...events) {
  const facts = new Facts();
  facts.setLink("open", 10);
  for (const [at, event] of events) facts.event(JSON.stringify(event), at);
  return facts;
}

const state = (name, age = 0) => ({ event: "state", camera: "default", state: name, newest_frame_age_ms: age });

test("the sentence tells what is wrong, the worst first", () => {
  const says = (facts, at, hidden) => {
    const { kind, sentence, more } = describe(facts, at, hidden);
    return `${kind}: ${sentence} ${more}`.trim();
  };
  assert.equal(says(connected([10, state("waiting")]), 11), "wait: No camera connected yet Its picture will appear here.");
  assert.equal(says(connected([10, state("no_frame")]), 11), "wait: Camera connected, waiting for its first picture");
  assert.equal(says(connected([10, state("silent", 4000)]), 18.5), "bad: Camera silent for 12 s");
  assert.equal(says(connected([10, state("live")], [20, state("waiting")]), 25), "bad: Camera disconnected 5 s ago, waiting for it");

  const facts = connected([10, state("live")]);
  assert.equal(says(facts, 10), "wait: Camera live, starting the picture");
  facts.arrived(5, 10.1);
  facts.pictured(5, 320, 240, 10.2);
  assert.equal(says(facts, 10.3), "live: Live");
  facts.arrived(5.1, 13);
  assert.equal(says(facts, 13.2), "bad: The browser shows no new picture for 3 s");
  assert.equal(says(facts, 13.2, true), "live: Live", "nobody sees it, and browsers do not draw then");
  assert.equal(says(facts, 20), "bad: Nothing new arrives from the server for 7 s");
  facts.setLink("lost", 21);
  assert.equal(says(facts, 22), "bad: Reconnecting to the server…");
});

test("the last picture of a camera that was away is not taken for a new one", () => {
  const facts = connected([10, state("live")]);
  facts.pictured(5, 320, 240, 10.2);
  facts.event(JSON.stringify(state("waiting")), 12);
  facts.event(JSON.stringify(state("live")), 60);
  assert.equal(describe(facts, 60.1).sentence, "Camera live, starting the picture");
  facts.pictured(55, 320, 240, 60.2);
  assert.equal(describe(facts, 60.3).sentence, "Live");
});

test("the rate is that of the time stamps, and lost frames are added up", () => {
  const facts = connected([10, state("live")]);
  assert.equal(facts.fps, null);
  for (let n = 0; n < 50; n++) facts.arrived(1000 + n / 25, 10 + n / 25 + (n % 2) * 0.03);
  assert.ok(Math.abs(facts.fps - 25) < 0.01, `${facts.fps}`);
  facts.event('{"event":"lost","frames":3,"total":3}');
  facts.event('{"event":"lost","frames":2,"total":5}');
  facts.event("no JSON");
  assert.equal(facts.lost, 5);
});

test("the delay is what a picture waits beyond the fastest way", () => {
  const facts = connected([10, state("live")]);
  facts.arrived(1000, 10);
  facts.arrived(1000.1, 10.15);
  facts.pictured(1000, 320, 240, 10.08);
  assert.ok(Math.abs(facts.delay - 0.08) < 0.001, `${facts.delay}`);
});

test("time spans are said in one unit", () => {
  assert.deepEqual([-1, 0.9, 59.9, 60, 3599, 7300].map(span), ["0 s", "0 s", "59 s", "1 min", "59 min", "2 h"]);
});
