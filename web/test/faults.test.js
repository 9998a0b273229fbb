// What goes wrong in browsers that play through Media Source Extensions, and time stamps that few players expect.

import assert from "node:assert/strict";
import { look, plays } from "./support/pixels.js";
import { says, scene, screenshot } from "./support/world.js";

/**
 * Passes each fragment (not the init segments) through `change` on its way into the page. The answer counts the page's
 * connections.
 */
async function changeFragments(page, change) {
  const connections = { count: 0 };
  await page.routeWebSocket(/\/ws\/viewer/, (socket) => {
    connections.count += 1;
    const server = socket.connectToServer();
    server.onMessage((data) => {
      const fragment = typeof data !== "string" && data.toString("latin1", 4, 8) === "moof";
      socket.send(fragment ? change(Buffer.from(data)) : data);
    });
  });
  return connections;
}

/** Adds ticks to the time of a fragment (tfdt, version 1). */
function addTicks(fragment, ticks) {
  const at = fragment.indexOf("tfdt") + 8;
  fragment.writeBigUInt64BE(fragment.readBigUInt64BE(at) + ticks, at);
  return fragment;
}

scene("time stamps of a server that runs for a hundred years play", async (world) => {
  const server = await world.server();
  world.camera(server);
  const page = await world.page();
  await changeFragments(page, (fragment) => addTicks(fragment, 100n * 365n * 86_400n * 90_000n));
  await page.goto(`${server.url}?play=mse`);
  await plays(page, "video.screen", { pictures: 60 });
  await says(page, "Live");
});

scene("time stamps that jump ahead are followed", async (world) => {
  const server = await world.server();
  world.camera(server);
  const page = await world.page();
  let ahead = 0n;
  await changeFragments(page, (fragment) => addTicks(fragment, ahead));
  await page.goto(`${server.url}?play=mse`);
  await plays(page, "video.screen");
  ahead = 60n * 90_000n;
  await plays(page, "video.screen", { pictures: 40 });
  await says(page, "Live");
});

scene("a broken fragment costs a moment", async (world) => {
  const server = await world.server();
  world.camera(server);
  const page = await world.page();
  let count = 0;
  const connections = await changeFragments(page, (fragment) => {
    // The run of samples gets a size that cannot be.
    if (++count === 20) fragment.writeUInt32BE(3, fragment.indexOf("trun") - 4);
    return fragment;
  });
  await page.goto(`${server.url}?play=mse`);
  await plays(page, "video.screen", { pictures: 60 });
  assert.equal(connections.count, 2, "the page began anew, once");
});

scene("a full buffer costs a moment", async (world) => {
  const server = await world.server();
  world.camera(server);
  const page = await world.page({
    init: () => {
      const append = SourceBuffer.prototype.appendBuffer;
      let count = 0;
      SourceBuffer.prototype.appendBuffer = function (data) {
        count += 1;
        if (count === 20 || count === 60) {
          globalThis.refused = (globalThis.refused ?? 0) + 1;
          throw new DOMException("full", "QuotaExceededError");
        }
        return append.call(this, data);
      };
    },
  });
  await page.goto(`${server.url}?play=mse`);
  await page.waitForFunction(() => globalThis.refused === 2);
  await plays(page, "video.screen", { pictures: 20 });
});

scene("a browser that refuses to play by itself gets a button", async (world) => {
  const server = await world.server();
  world.camera(server);
  const page = await world.page({
    init: () => {
      const { setAttribute } = Element.prototype;
      HTMLVideoElement.prototype.setAttribute = function (name, value) {
        if (name !== "autoplay") setAttribute.call(this, name, value);
      };
      // Not by navigator.userActivation: to the browser, all that a test looks at was a person's doing.
      let clicked = false;
      addEventListener("pointerdown", () => (clicked = true), true);
      const { play } = HTMLMediaElement.prototype;
      HTMLMediaElement.prototype.play = function () {
        if (clicked) return play.call(this);
        return Promise.reject(new DOMException("no", "NotAllowedError"));
      };
    },
  });
  await page.goto(`${server.url}?play=mse`);
  await says(page, "The browser waits for your click");
  await screenshot(page, "desktop-light-blocked");
  await page.getByRole("button", { name: "Play" }).click();
  await plays(page, "video.screen");
  await says(page, "Live");
});

for (const [what, init, reason] of [
  ["without Media Source Extensions", () => delete globalThis.MediaSource, "no Media Source Extensions"],
  ["without the codec", () => (MediaSource.isTypeSupported = () => false), "does not play avc1.42c0"],
  [
    "with a decoder that always fails",
    () =>
      (SourceBuffer.prototype.appendBuffer = () => {
        throw new Error("no");
      }),
    "failed again and again",
  ],
]) {
  scene(`a browser ${what} gets the JPEGs, and is told`, async (world) => {
    const server = await world.server();
    world.camera(server);
    const page = await world.page({ init });
    await page.goto(`${server.url}?play=mse`);
    await plays(page, "canvas.screen");
    await says(page, "Live");
    await page.getByText(reason).waitFor();
    assert.equal(await page.locator("video.screen").count(), 0);
    await screenshot(page, "desktop-light-fallback");
  });
}

scene("frames that stop for a moment do not make what comes after them late", async (world) => {
  const server = await world.server();
  world.camera(server);
  const page = await world.page();
  let held = null;
  let go;
  await page.routeWebSocket(/\/ws\/viewer/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((data) => (held ? held.push(data) : socket.send(data)));
    go = () => {
      held.forEach((data) => socket.send(data));
      held = null;
    };
  });
  await page.goto(`${server.url}?play=mse`);
  await plays(page, "video.screen");
  held = [];
  // Time stops soon after the last frame.
  await page.waitForFunction(() => document.querySelector("video.screen").playbackRate === 0);
  const stopped = await page.evaluate(() => document.querySelector("video.screen").currentTime);
  while (held.length < 20) await new Promise(setImmediate);
  assert.equal(await page.evaluate(() => document.querySelector("video.screen").currentTime), stopped);
  await page.evaluate(() => (document.querySelector("video.screen").onseeking = () => (globalThis.jumped = true)));
  go();
  // More than a little speed would make good soon: a jump.
  await page.waitForFunction(() => globalThis.jumped);
  await plays(page, "video.screen", { pictures: 20, maxAge: 1000 });
});

scene("a connection that brings no more frames of a live camera is made anew", async (world) => {
  const server = await world.server();
  world.camera(server);
  const page = await world.page();
  let connections = 0;
  await page.routeWebSocket(/\/ws\/viewer/, (socket) => {
    const first = ++connections === 1;
    let count = 0;
    socket.connectToServer().onMessage((data) => (first && typeof data !== "string" && ++count > 30) || socket.send(data));
  });
  await page.goto(`${server.url}?play=jpeg`);
  await plays(page, "canvas.screen");
  await says(page, "Nothing new arrives");
  await plays(page, "canvas.screen");
  assert.equal(connections, 2);
});

// The sockets of WebCodecs are a worker's, which no test can come between; the sentence is the same for all.
for (const way of ["mse", "jpeg"]) {
  scene(`a network that is gone is never told as a fault of the browser (${way})`, async (world) => {
    const server = await world.server();
    world.camera(server);
    const page = await world.page();
    let gone = false;
    await page.routeWebSocket(/\/ws\/viewer/, (socket) => {
      socket.connectToServer().onMessage((data) => gone || socket.send(data));
    });
    await page.goto(`${server.url}?play=${way}`);
    await plays(page, way === "mse" ? "video.screen" : "canvas.screen");
    await says(page, "Live");
    await page.evaluate(() => {
      globalThis.said = new Set();
      const note = () => globalThis.said.add(document.querySelector(".status").textContent);
      new MutationObserver(note).observe(document.body, { subtree: true, childList: true, characterData: true });
    });
    gone = true;
    await says(page, "Nothing new arrives");
    const said = await page.evaluate(() => [...globalThis.said]);
    assert.ok(!said.some((text) => text.includes("browser")), `${said}`);
  });
}

scene("a device without a network is told so", async (world) => {
  const server = await world.server();
  world.camera(server);
  // Chromium's "offline" is for requests, not for sockets that are open: what the browser says of the network is planted.
  const page = await world.page({
    init: () => Object.defineProperty(Navigator.prototype, "onLine", { get: () => !globalThis.cut, configurable: true }),
  });
  let gone = false;
  await page.routeWebSocket(/\/ws\/viewer/, (socket) => {
    socket.connectToServer().onMessage((data) => gone || socket.send(data));
  });
  await page.goto(`${server.url}?play=jpeg`);
  await plays(page, "canvas.screen");
  gone = true;
  await page.evaluate(() => {
    globalThis.cut = true;
    dispatchEvent(new Event("offline"));
  });
  await says(page, "This device has no network");
  gone = false;
  await page.evaluate(() => {
    globalThis.cut = false;
    dispatchEvent(new Event("online"));
  });
  await says(page, "Live");
});

scene("a script that is not ours does not run", async (world) => {
  const server = await world.server();
  const page = await world.page({ expected: /Content Security Policy/ });
  await page.goto(`${server.url}?play=mse`);
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "globalThis.intruder = true";
    document.body.append(script);
  });
  assert.equal(await page.evaluate(() => globalThis.intruder), undefined);
  const [violation] = world.faults.splice(0);
  assert.match(violation, /content security policy: script-src/);
});
