// The modules that need no browser.

import assert from "node:assert/strict";
import test, { mock } from "node:test";
import { addresses } from "../addresses.js";
import { Clock } from "../clock.js";
import { Facts } from "../facts.js";
import { describe } from "../status.js";
import { STRINGS as S, span } from "../strings.js";

test("addresses follow the page's own", () => {
  const at = (url) => addresses(new URL(url));
  assert.equal(at("http://192.168.1.5:8080/").socket("fmp4"), "ws://192.168.1.5:8080/ws/viewer?format=fmp4&events=1");
  const garden = at("https://cam.example/mjpeg/garden");
  assert.equal(garden.socket("jpeg"), "wss://cam.example/ws/viewer/garden?format=jpeg&events=1");
  assert.deepEqual([garden.page, garden.jpeg], ["/camera/garden", "/mjpeg/garden"]);
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
  facts.arrived({ pts: 5 }, 10.1);
  facts.pictured(5, 320, 240, 10.2);
  assert.equal(says(facts, 10.3), "live: Live");
  facts.arrived({ pts: 5.1 }, 13);
  assert.equal(says(facts, 13.2), "bad: The browser shows no new picture for 3 s");
  assert.equal(says(facts, 13.2, true), "live: Live", "nobody sees it, and browsers do not draw then");
  assert.equal(says(facts, 20), "bad: Nothing new arrives from the server for 7 s");
  facts.setLink("lost", 21);
  assert.equal(says(facts, 22), "bad: Reconnecting to the server…");
});

test("a network that is gone is not the browser's fault, and is named as soon as it is known", () => {
  const facts = connected([10, state("live")]);
  const says = (at) => describe(facts, at).sentence;
  for (let n = 0; n <= 20; n++) {
    facts.arrived({ pts: 5 + n / 10 }, 10 + n / 10);
    facts.pictured(5 + n / 10, 320, 240, 10.05 + n / 10);
  }
  // The last frame came at 12 s, and one more that was never shown.
  facts.arrived({ pts: 7.1 }, 12.1);
  for (const at of [12.2, 13, 14, 14.5, 15, 16, 16.5]) assert.equal(says(at), "Live", `${at}`);
  assert.equal(says(17), "Nothing new arrives from the server");
  facts.offline = true;
  assert.equal(says(12.5), "Live", "frames may come though the browser says so");
  assert.equal(says(13.2), "This device has no network");
});

test("why nothing good comes of a camera's pictures is said, and not taken for the network", () => {
  const says = (facts, at) => Object.values(describe(facts, at)).slice(0, 3).join(" | ");
  const trouble = (cause, text) => ({ cause, text, advice: "Do that.", since_ms: 3000 });
  const refused = { newest_frame_age_ms: null, trouble: trouble("jpeg_not_first", "a JPEG begins at byte 4: send nothing before it") };
  for (const name of ["no_frame", "silent"]) {
    const facts = connected([10, state(name)]);
    facts.told(refused, 11);
    assert.equal(says(facts, 11), "bad | What the camera sends is refused | a JPEG begins at byte 4: send nothing before it");
    facts.told({ newest_frame_age_ms: null, trouble: null }, 12);
    assert.notEqual(describe(facts, 12).sentence, "What the camera sends is refused");
  }
  const damaged = (age) => ({ newest_frame_age_ms: age, trouble: trouble("damaged", "its picture data is damaged") });
  const facts = connected([10, state("live")]);
  facts.arrived({ pts: 5 }, 10.1);
  facts.pictured(5, 320, 240, 10.1);
  facts.told(damaged(50), 10.2);
  assert.equal(says(facts, 10.3), "live | Live | its picture data is damaged");
  // JPEGs come, and nothing of them arrives here.
  for (let at = 11; at < 20; at++) facts.told(damaged(50), at);
  assert.equal(facts.unplayedSince, 11);
  assert.equal(says(facts, 20), "bad | No video of the camera's pictures | its picture data is damaged");
  facts.arrived({ pts: 15 }, 20);
  assert.equal(facts.unplayedSince, null);
  // The same while the server makes video: then it is the way from there that brings nothing.
  const cut = connected([10, state("live")]);
  cut.arrived({ pts: 5 }, 10.1);
  for (let at = 11; at < 20; at++) cut.told({ newest_frame_age_ms: 50, trouble: null, encoding: true }, at);
  assert.equal(describe(cut, 20).sentence, "Nothing new arrives from the server");
  cut.told({ newest_frame_age_ms: 50, trouble: null, encoding: false }, 20);
  assert.equal(describe(cut, 20).sentence, "No video of the camera's pictures");
  cut.video = false;
  cut.told({ newest_frame_age_ms: 50, trouble: null, encoding: false }, 21);
  assert.equal(describe(cut, 21).sentence, "Nothing new arrives from the server", "as JPEGs");
  // A camera that sends a picture in 30 s: its JPEG is told of a moment before it arrives as video.
  const slow = connected([10, state("live")]);
  slow.arrived({ pts: 5 }, 10);
  for (let at = 11; at < 40; at++) slow.told({ ...damaged((at - 10) * 1000) }, at);
  assert.equal(slow.unplayedSince, null);
  slow.told(damaged(10), 40);
  slow.arrived({ pts: 35 }, 40.1);
  assert.equal(slow.unplayedSince, null);
  slow.told(null, 41);
  assert.deepEqual([slow.trouble, slow.unplayedSince], [null, null]);
});

test("a camera of a picture in ten seconds is live all the time, and its rate is said", () => {
  const facts = connected([10, { ...state("live"), silent_after_ms: 30_000 }]);
  for (let n = 0; n < 5; n++) {
    facts.arrived({ pts: 100 + 10 * n }, 10.1 + 10 * n);
    // The moment before the picture is drawn, the moment after, and until the next.
    for (const later of [0.05, 0.15, 4, 6, 9.9]) {
      if (later > 0.1) facts.pictured(100 + 10 * n, 320, 240, 10.2 + 10 * n);
      if (n || later > 0.1) assert.equal(describe(facts, 10.1 + 10 * n + later).sentence, "Live", `${n} ${later}`);
    }
  }
  assert.equal(S.fps(facts.fps), "1 in 10 s");
  // The last came at 50.1 s.
  assert.equal(describe(facts, 81).sentence, "Live");
  assert.match(describe(facts, 82).sentence, /^Nothing new arrives/);
  facts.arrived({ pts: 150 }, 83);
  assert.match(describe(facts, 200).sentence, /^Nothing new arrives/, "the server would have told by then");
  assert.deepEqual([0, 0.033, 0.5, 0.75, 2, 25].map(S.fps), ["0.0 fps", "1 in 30 s", "1 in 2 s", "0.8 fps", "2.0 fps", "25 fps"]);
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

test("rate and bitrate are those of the time stamps, and lost frames are added up", () => {
  const facts = connected([10, state("live")]);
  assert.deepEqual([facts.fps, facts.bitrate], [null, null]);
  for (let n = 0; n < 150; n++) facts.arrived({ pts: 1000 + n / 25, bytes: n < 50 ? 9999 : 1000 }, 10 + n / 25 + (n % 2) * 0.03);
  assert.ok(Math.abs(facts.fps - 25) < 0.01, `${facts.fps}`);
  assert.ok(Math.abs(facts.bitrate - 25 * 8000) < 1, `${facts.bitrate}`);
  facts.event('{"event":"lost","frames":3,"total":3}');
  facts.event('{"event":"lost","frames":2,"total":5}');
  facts.event("no JSON");
  assert.equal(facts.lost, 5);
});

/** Numbers that are the same but for rounding. */
function near(actual, expected) {
  const same = expected === null ? actual === null : Math.abs(actual - expected) < 1e-6;
  assert.ok(same, `${actual}, not ${expected}`);
}

test("the age of a picture is that since its arrival at the server, by the server's clock", () => {
  const facts = connected([10, state("live")]);
  facts.arrived({ pts: 5, arrival: 1_700_000_000 }, 10.03);
  facts.pictured(5, 320, 240, 10.05);
  facts.serverMs = 12;
  near(facts.age, null);
  near(facts.stages.server, null);
  near(facts.stages.render, 0.02);
  facts.serverMs = null;
  facts.clock = { offset: 1_699_999_990, ptsOffset: 1_699_999_000 };
  facts.forget();
  facts.arrived({ pts: 6, arrival: 1_700_000_001 }, 11.03);
  facts.pictured(6, 320, 240, 11.05);
  near(facts.age, 0.05);
  near(facts.stages.server, null);
  near(facts.stages.network, null);
  facts.serverMs = 12;
  near(facts.stages.server, 0.012);
  near(facts.stages.network, 0.018);
  near(facts.stages.render, 0.02);
  // No part is less than nothing, and the parts are the whole.
  facts.serverMs = 50;
  near(facts.stages.server, 0.03);
  near(facts.stages.network, 0);
  near(facts.age, 0.05);
  // Where frames do not tell their arrival, their time stamps do.
  facts.forget();
  near(facts.age, null);
  facts.arrived({ pts: 1000 }, 10.04);
  facts.pictured(1000.001, 320, 240, 10.1);
  near(facts.age, 0.1);
});

test("when the server's clock is set, the age of pictures is unknown until it is asked, and then right", () => {
  for (const step of [1_800_000_000, -3600, 2]) {
    const facts = connected([10, state("live")]);
    let asked = 0;
    const wasSet = () => {
      asked += 1;
      Object.assign(facts.clock, { offset: null, ptsOffset: null });
    };
    facts.clock = { offset: 1000, ptsOffset: 900, wasSet };
    const frame = (n, set) => {
      facts.arrived({ pts: 100 + n, arrival: 1010 + n + set }, 10.03 + n);
      facts.pictured(100 + n, 320, 240, 10.05 + n);
    };
    for (const n of [0, 1, 2]) frame(n, 0);
    near(facts.age, 0.05);
    // An old picture that is shown again proves nothing.
    facts.arrived({ pts: 102.5, arrival: 950 }, 12.6);
    frame(3, 0);
    assert.equal(asked, 0);
    frame(4, step);
    frame(5, step);
    assert.equal(asked, 1);
    near(facts.age, null);
    facts.clock.offset = 1000 + step;
    frame(6, step);
    near(facts.age, 0.05);
    assert.equal(asked, 1);
  }
});

test("a picture is measured by its own frame, and what was left out before it is not waited for", () => {
  const facts = connected([10, state("live")]);
  for (const n of [0, 1, 2, 3]) facts.arrived({ pts: n }, 10 + n / 10);
  assert.equal(facts.waiting, 4);
  facts.pictured(2, 320, 240, 10.5);
  assert.equal(facts.waiting, 1);
  near(facts.stages.render, 0.3);
  // Nobody knows when this one came.
  facts.pictured(3.5, 320, 240, 10.9);
  near(facts.stages.render, 0.3);
  assert.deepEqual([facts.waiting, facts.shown], [0, 2]);
});

test("the server's clock is known by the answer with the shortest way", async () => {
  mock.method(globalThis, "fetch", async () => ({ ok: false }));
  mock.timers.enable({ apis: ["setInterval"] });
  const clock = new Clock("/api/clock");
  assert.deepEqual([clock.offset, clock.ptsOffset], [null, null]);
  const heard = (unix, from, to) => clock.heard({ unix_us: unix * 1e6, pts_90k: (unix - 1000) * 90_000 }, from, to);
  const at = performance.now() / 1000;
  heard(5000, at - 0.2, at);
  near(clock.offset, 5000 - (at - 0.1));
  near(clock.ptsOffset, 1000);
  assert.ok(clock.uncertainty >= 0.1 && clock.uncertainty < 0.11);
  heard(5000, at - 0.02, at);
  near(clock.offset, 5000 - (at - 0.01));
  heard(9000, at - 0.1, at);
  near(clock.offset, 5000 - (at - 0.01));
  // One that is good again in between: it was nonsense.
  heard(5000, at - 0.1, at);
  heard(9000, at - 0.1, at);
  near(clock.offset, 5000 - (at - 0.01));
  // Two in a row: the server's clock was set, however long the way.
  heard(9000, at - 0.2, at);
  near(clock.offset, 9000 - (at - 0.1));
  near(clock.ptsOffset, 1000);
  heard(5000, at - 0.02, at);
  near(clock.offset, 5000 - (at - 0.01));
  // After a new connection any answer is better than an old one.
  clock.renew();
  heard(9000, at - 0.1, at);
  near(clock.offset, 9000 - (at - 0.05));
  mock.timers.reset();
  mock.restoreAll();
});

test("time spans are said in one unit", () => {
  assert.deepEqual([-1, 0.9, 59.9, 60, 3599, 7300].map(span), ["0 s", "0 s", "59 s", "1 min", "59 min", "2 h"]);
});
