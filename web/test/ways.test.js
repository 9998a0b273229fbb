// The ways of playing: WebCodecs, Media Source Extensions, JPEGs. Each is forced in turn.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { look, plays } from "./support/pixels.js";
import { slow } from "./support/slow.js";
import { PATIENCE, freePort, says, scene, screenshot } from "./support/world.js";

/** Where each way shows its picture. */
const WAYS = { webcodecs: "canvas.screen", mse: "video.screen", jpeg: "canvas.screen" };
const ways = Object.entries(WAYS);
/** Browsers log each attempt to connect that fails, whatever a page does. */
const OFFLINE = /WebSocket connection to .* failed|Failed to load resource/;

/** A player alone, as `watch` in the page; `port` may be that of a slow link. */
async function mount(page, { port }, way = "auto") {
  await page.goto(`http://127.0.0.1:${port}/status`);
  await page.evaluate(async (way) => {
    const { Watch } = await import("/assets/watch.js");
    const screen = document.createElement("div");
    document.body.replaceChildren(screen);
    const where = { socket: (format) => `ws://${location.host}/ws/viewer?format=${format}&events=1`, clock: "/api/clock" };
    globalThis.watch = new Watch(where, screen, way, () => {});
    setInterval(() => globalThis.watch.tick(), 250);
  }, way);
}

/**
 * In the page: `missing` becomes how many frames did not come, by the numbers of those that did (format=jpeg). The first
 * four bytes of a frame's header are its version, flags and length, and its number is next.
 */
function countMissing() {
  globalThis.missing = 0;
  globalThis.WebSocket = class extends WebSocket {
    constructor(...words) {
      super(...words);
      let last;
      this.addEventListener("message", ({ data }) => {
        if (typeof data === "string") return;
        const number = new DataView(data).getUint32(4);
        globalThis.missing += last === undefined ? 0 : number - last - 1;
        last = number;
      });
    }
  };
}

/** What the player in the page knows. */
const known = (page) =>
  page.evaluate(() => {
    const { facts, way, reason, canPictureInPicture } = globalThis.watch;
    const { link, camera, lost, late, fps, bitrate, age, stages, width, height, waiting } = facts;
    return { way, reason, canPictureInPicture, link, camera, lost, late, fps, bitrate, age, stages, width, height, waiting };
  });

/** Waits until this is true of the server's status. */
async function until(server, condition) {
  const end = Date.now() + PATIENCE;
  for (let last; ; await after(50)) {
    last = await status(server);
    if (condition(last)) return;
    assert.ok(Date.now() < end, `${condition}: ${JSON.stringify(last)}`);
  }
}

const status = async (server) => (await fetch(`${server.url}status`)).json();
const received = async (server) => (await status(server)).cameras[0].bytes_in;
const watched = (server, count) => until(server, ({ viewer_clients }) => viewer_clients === count);

/** As if its tab were in the background, or not. */
const hide = (page, hidden) =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);

for (const [way, element] of ways) {
  scene(`${way} plays, also when its camera comes back with another size, or the server is another`, async (world) => {
    const port = await freePort();
    const server = await world.server({ port });
    const camera = world.camera(server);
    const page = await world.page({ expected: OFFLINE });
    await page.goto(`${server.url}?play=${way}`);
    await plays(page, element, { pictures: 20, where: ({ width }) => width === 320 });
    await says(page, "Live");
    await screenshot(page, `desktop-light-${way}`);
    await camera.end();
    await says(page, "Camera disconnected");
    world.camera(server, { size: "640x480" });
    await plays(page, element, { where: ({ width, height }) => width === 640 && height === 480 });
    await server.end();
    await says(page, "Reconnecting to the server…");
    await world.server({ port });
    await plays(page, element);
    await says(page, "Live");
    assert.equal(await page.locator(".screen").evaluateAll((all) => all.filter((one) => one.matches("video, canvas")).length), 1);
  });

  scene(`${way} plays through the wrap of 33 bits, tells how old the picture is, and pauses`, async (world) => {
    const server = await world.server({ args: ["--pts-origin", `${2 ** 33 - 3 * 90_000}`] });
    world.camera(server);
    const page = await world.page();
    await mount(page, server, way);
    await page.evaluate(() => (globalThis.watch.facts.serverMs = 1));
    await plays(page, element, { pictures: 70 });
    const facts = await known(page);
    assert.deepEqual([facts.way, facts.reason, facts.link, facts.camera], [way, "", "open", "live"]);
    assert.deepEqual([facts.width, facts.height], [320, 240]);
    assert.ok(facts.fps > 1 && facts.fps < 30, `${facts.fps} fps`);
    assert.ok(facts.bitrate > 20_000 && facts.bitrate < 5e6, `${facts.bitrate} bits a second`);
    const { server: inServer, network, render } = facts.stages;
    assert.ok(inServer > 0 && inServer <= 0.001 && network >= 0 && render > 0, JSON.stringify(facts.stages));
    assert.ok(Math.abs(inServer + network + render - facts.age) < 1e-9);
    // By the clock in the picture it is older: it was made before it arrived.
    const { age } = await look(page, element);
    assert.ok(facts.age > 0 && facts.age < 2.5, `${facts.age} s here, ${age / 1000} s in the picture`);

    await page.evaluate(() => globalThis.watch.pause());
    assert.equal((await known(page)).link, "paused");
    await watched(server, 0);
    assert.equal((await look(page, element)).width, 320, "the last picture stays");
    await page.evaluate(() => globalThis.watch.resume());
    await plays(page, element);
    assert.equal((await known(page)).link, "open");
    await page.evaluate(() => globalThis.watch.stop());
    await watched(server, 0);
    assert.equal(await page.locator(".screen").count(), 0);
  });

  scene(`${way} goes into a window of its own and back, and plays on while nobody sees the page`, async (world) => {
    const server = await world.server();
    world.camera(server);
    const page = await world.page();
    await mount(page, server, way);
    await plays(page, element);
    assert.equal((await known(page)).canPictureInPicture, true);
    await page.evaluate(() => globalThis.watch.pictureInPicture());
    await page.evaluate(() => {
      const floating = document.pictureInPictureElement;
      floating.id = "floating";
      document.body.append(floating);
      globalThis.watch.pause();
    });
    await hide(page, true);
    await plays(page, "#floating");
    assert.equal((await known(page)).link, "open");
    await page.evaluate(() => globalThis.watch.pictureInPicture());
    await watched(server, 0);
    assert.equal((await known(page)).link, "paused");
  });
}

scene("a page in a tab that nobody sees ends its streams after a while, and plays at once when it is seen", async (world) => {
  const server = await world.server();
  world.camera(server);
  const page = await world.page();
  await page.goto(server.url);
  await plays(page, "canvas.screen");
  await hide(page, true);
  await watched(server, 0);
  await hide(page, false);
  await plays(page, "canvas.screen");
  await says(page, "Live");
});

/** A camera whose pictures are as big as can be. */
async function noisyCamera(world, server) {
  const folder = await world.folder();
  const noise = ["-f", "lavfi", "-i", "nullsrc=s=320x240,noise=alls=100:allf=t", "-frames:v", "10", "-q:v", "2"];
  execFileSync("ffmpeg", ["-v", "error", ...noise, join(folder, "%d.jpg")]);
  return world.camera(server, { fps: 30, args: ["--source", folder] });
}

for (const [way, element] of ways) {
  scene(`${way} over a slow connection loses frames, says so, and is live again`, async (world) => {
    const server = await world.server();
    const camera = await noisyCamera(world, server);
    const link = await slow(world, server.port);
    const page = await world.page({ init: countMissing });
    await mount(page, link, way);
    await page.waitForFunction(() => globalThis.watch.facts.shown > 10);
    // Of JPEGs the newest counts: one that this computer has no time for is lost on a quick link, too. But what is said to
    // be lost did not come, and of video nothing is lost that soon.
    const { lost: before } = await known(page);
    if (way === "jpeg") await page.waitForFunction(() => globalThis.watch.facts.lost === globalThis.missing);
    else assert.equal(before, 0);
    // What is under way fills up until the server leaves out frames. It counts them for video only; but no buffers hold 3 MB.
    const enough = way === "jpeg" ? await received(server) + 3e6 : Infinity;
    link.throttle(30_000);
    await until(server, ({ cameras: [{ skipped, bytes_in }] }) => skipped > 0 || bytes_in > enough);
    await camera.end();
    world.camera(server);
    link.throttle(Infinity);
    await page.waitForFunction((before) => globalThis.watch.facts.lost > before, before);
    await plays(page, element, { pictures: 20, maxAge: 1000 });
    const { way: is, link: connection } = await known(page);
    assert.deepEqual([is, connection], [way, "open"]);
  });
}

scene("a connection that stands still is given up, and found again", async (world) => {
  const server = await world.server();
  world.camera(server);
  const link = await slow(world, server.port);
  const page = await world.page({ expected: OFFLINE });
  await mount(page, link);
  await plays(page, WAYS.webcodecs);
  link.stall();
  await page.waitForFunction(() => globalThis.watch.facts.link === "lost");
  link.go();
  await plays(page, WAYS.webcodecs, { maxAge: 1000 });
});

for (const [what, init, way, reason] of [
  ["without WebCodecs", () => delete globalThis.VideoDecoder, "mse", "This browser has no WebCodecs"],
  [
    "without WebCodecs and Media Source Extensions",
    () => {
      delete globalThis.VideoDecoder;
      delete globalThis.MediaSource;
    },
    "jpeg",
    "This browser has no Media Source Extensions",
  ],
]) {
  scene(`a browser ${what} plays by the next best way, and says why`, async (world) => {
    const server = await world.server();
    world.camera(server);
    const page = await world.page({ init });
    await mount(page, server);
    await plays(page, WAYS[way]);
    const facts = await known(page);
    assert.deepEqual([facts.way, facts.reason], [way, reason]);
  });
}

/** Has a script run in workers before their own. */
const before = (page, script) =>
  page.addInitScript((script) => {
    const module = (text) => URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    globalThis.Worker = class extends Worker {
      constructor(url, options) {
        super(module(`import "${module(script)}"; import "${url}"`), options);
      }
    };
  }, script);

scene("a decoder that fails once costs a moment", async (world) => {
  const server = await world.server();
  world.camera(server);
  const page = await world.page();
  await before(
    page,
    `const { decode } = VideoDecoder.prototype;
    let count = 0;
    VideoDecoder.prototype.decode = function (chunk) {
      const data = new Uint8Array(chunk.byteLength);
      chunk.copyTo(data);
      if (++count === 20) data.fill(0xff);
      decode.call(this, new EncodedVideoChunk({ type: chunk.type, timestamp: chunk.timestamp, data }));
    }`,
  );
  const failed = page.waitForEvent("console", (message) => message.text().includes("begins anew"));
  await mount(page, server);
  await failed;
  await plays(page, WAYS.webcodecs, { pictures: 30 });
  const { way, reason } = await known(page);
  assert.deepEqual([way, reason], ["webcodecs", ""]);
});

for (const [what, script, reason, faults = []] of [
  ["that always fails", "VideoDecoder.prototype.decode = () => { throw new Error('no') }", /^The video failed again and again$/],
  ["without this codec", "VideoDecoder.isConfigSupported = async () => ({ supported: false })", /^This browser does not play avc1\.42c0..$/],
  ["that does not start", "throw new Error('no')", /^The browser's worker for video did not start$/, ["uncaught: no"]],
]) {
  scene(`a decoder ${what} gives way to the next, which says so`, async (world) => {
    const server = await world.server();
    world.camera(server);
    const page = await world.page();
    await before(page, script);
    await mount(page, server);
    await plays(page, WAYS.mse);
    const { way, reason: said } = await known(page);
    assert.equal(way, "mse");
    assert.match(said, reason);
    assert.deepEqual(world.faults.splice(0), faults);
  });
}

scene("a decoder that is too slow skips to the next key frame, and says how many it left out", async (world) => {
  const server = await world.server();
  world.camera(server);
  const page = await world.page();
  // The first one hangs.
  await before(
    page,
    `const Decoder = VideoDecoder;
    let decoders = 0;
    let count = 0;
    globalThis.VideoDecoder = class extends Decoder {
      #hangs = decoders++ === 0;
      decode(chunk) {
        if (!this.#hangs || ++count < 20) super.decode(chunk);
      }
    }`,
  );
  const said = [];
  page.on("console", (message) => said.push(message.text()));
  await mount(page, server);
  await page.waitForFunction(() => globalThis.watch.facts.late > 0);
  await plays(page, WAYS.webcodecs, { pictures: 30 });
  const { way, reason, late } = await known(page);
  assert.deepEqual([way, reason], ["webcodecs", ""]);
  assert.ok(late > 4, `${late}`);
  assert.ok(!said.some((text) => text.includes("begins anew")), "the connection went on");
});

scene("players share a worker, and each shows its own camera", async (world) => {
  const server = await world.server();
  world.camera(server, { path: "/ws/camera/cam-1", size: "320x240" });
  world.camera(server, { path: "/ws/camera/cam-2", size: "160x120" });
  const page = await world.page();
  await page.goto(server.url);
  await Promise.all([plays(page, "[data-name=cam-1] canvas.screen", { where: ({ width }) => width === 320 }), plays(page, "[data-name=cam-2] canvas.screen", { where: ({ width }) => width === 160 })]);
  assert.equal(page.workers().length, 1);
});
