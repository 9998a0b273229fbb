// Pages of strangers that show the camera by the right of who looks at them, in a real browser: they do not, and our own
// pages do. Names under `.lan` lead to this computer. They have no TLS, so a browser tells the server nothing of the page
// that asks; `localhost` is one to which it does.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { plays } from "./support/pixels.js";
import { PATIENCE, scene } from "./support/world.js";

const KEY = "camera-key";
const VIEWER = { username: "viewer", password: "correct horse" };
/** What the console says of pictures that are not shown. */
const BLOCKED = /Failed to load resource|ERR_BLOCKED|Refused to|Framing|violates|frame-ancestors|status of 40[13]|blocked by CORS policy/;

/** A server with one camera. Under a name of the home network, this computer is one of many there. */
async function home(world, args = ["--view-password", VIEWER.password]) {
  const server = await world.server({ args: ["--camera-key", `default=${KEY}`, ...args] });
  world.camera(server, { args: ["--key", KEY] });
  return Object.assign(server, { at: (host) => `http://${host}:${server.port}` });
}

/** Waits for the first picture: before it, nothing is shown to anybody. `query` is what lets in, where this computer is not. */
async function pictured(server, query = "") {
  while (!(await fetch(`${server.url}snapshot.jpg${query}`)).ok) await sleep(50);
}

/** A page with nothing on it, at every name of this computer; gives its port. */
async function stranger(world) {
  const server = createServer((request, answer) => {
    answer.writeHead(200, { "Content-Type": "text/html" });
    answer.end("<!doctype html><title>stranger</title><link rel=icon href=data:,>");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  world.atEnd(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))));
  return server.address().port;
}

/** In the page: whether a picture at that address is shown, "shown" or "blocked". */
const image = (page, src, attributes = {}) =>
  page.evaluate(
    ([src, attributes]) =>
      new Promise((resolve) => {
        const img = Object.assign(document.createElement("img"), attributes);
        img.onload = () => resolve(img.naturalWidth > 0 ? "shown" : "blocked");
        img.onerror = () => resolve("blocked");
        // A stream never ends, so it never loads; it has a size as soon as there is a picture.
        const look = setInterval(() => img.naturalWidth > 0 && (clearInterval(look), resolve("shown")), 50);
        img.src = src;
        document.body.append(img);
      }),
    [src, attributes],
  );

/** Whether a frame at that address shows a picture, "shown" or "blocked". */
async function frame(page, src) {
  await page.evaluate((src) => {
    const frame = Object.assign(document.createElement("iframe"), { src });
    // What is blocked loads, too: a page of the browser's.
    return new Promise((resolve) => ((frame.onload = resolve), document.body.append(frame)));
  }, src);
  const inner = page.mainFrame().childFrames().at(-1);
  // The words of a refusal, and the browser's own, are no picture.
  return (await inner.evaluate(() => document.contentType)).startsWith("image/") ? "shown" : "blocked";
}

/** What strangers' pages may be, for a camera at `cam.lan`: another site, another name of the same, another port. */
const STRANGERS = ["evil.lan", "other.cam.lan", "cam.lan"];

async function showsNothing(page, server, port, hosts = STRANGERS, at = "cam.lan") {
  for (const host of hosts) {
    await page.goto(`http://${host}:${port}/`);
    for (const path of ["/snapshot.jpg", "/stream.mjpg"]) {
      for (const attributes of [{}, { referrerPolicy: "no-referrer" }, { loading: "eager", crossOrigin: "anonymous" }]) {
        const shown = await image(page, `${server.at(at)}${path}`, attributes);
        assert.equal(shown, "blocked", `${path} on a page of ${host} ${JSON.stringify(attributes)}`);
      }
    }
    assert.equal(await frame(page, `${server.at(at)}/snapshot.jpg`), "blocked", `a frame on a page of ${host}`);
  }
}

async function showsItself(page, server, host) {
  await page.goto(`${server.at(host)}/status`);
  await page.evaluate(() => {
    const img = document.createElement("img");
    img.src = "/stream.mjpg";
    document.body.append(img);
  });
  await plays(page, "img", { pictures: 3 });
  await page.goto(`${server.at(host)}/mjpeg`);
  await plays(page, "canvas.screen", { pictures: 3 });
  await page.goto(`${server.at(host)}/`);
  await plays(page, ".player .screen", { pictures: 3 });
}

scene("no stranger's page shows what the home network may see", async (world) => {
  const server = await home(world, ["--open-view"]);
  await pictured(server);
  const port = await stranger(world);
  const page = await world.page({ expected: BLOCKED });
  await showsItself(page, server, "cam.lan");
  await showsNothing(page, server, port);
  // Where the browser tells which page asks.
  await showsNothing(page, server, port, ["127.0.0.1", "localhost"], "localhost");
});

scene("no stranger's page shows what a login may see", async (world) => {
  const server = await home(world);
  await pictured(server);
  const port = await stranger(world);
  const page = await world.page({ expected: BLOCKED });
  await page.goto(`${server.at("cam.lan")}/`);
  await page.getByLabel("Name").fill(VIEWER.username);
  await page.getByLabel("Password").fill(VIEWER.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.locator(".player .screen").waitFor();
  await showsItself(page, server, "cam.lan");
  await showsNothing(page, server, port);
});

scene("no stranger's page shows what a browser's password may see", async (world) => {
  const server = await home(world);
  await pictured(server);
  const port = await stranger(world);
  const page = await world.page({ expected: BLOCKED, httpCredentials: VIEWER });
  const answer = await page.goto(`${server.at("cam.lan")}/snapshot.jpg`);
  assert.equal(answer.status(), 200);
  await showsNothing(page, server, port);
});

scene("no stranger's page shows what this computer may see", async (world) => {
  const server = await world.server();
  world.camera(server);
  await pictured(server);
  Object.assign(server, { at: (host) => `http://${host}:${server.port}` });
  const port = await stranger(world);
  const page = await world.page({ expected: BLOCKED });
  await showsItself(page, server, "localhost");
  await showsNothing(page, server, port, ["evil.lan", "127.0.0.1", "localhost"], "localhost");
});

scene("a page that has a token in the address shows the picture, and a link to it is followed", async (world) => {
  // One that is known to be behind a proxy prints links.
  const server = await home(world, ["--trusted-proxies", "127.0.0.1"]);
  const port = await stranger(world);
  const token = await server.link();
  await pictured(server, `?token=${token}`);
  const page = await world.page({ expected: BLOCKED });
  for (const host of STRANGERS) {
    await page.goto(`http://${host}:${port}/`);
    for (const path of ["/snapshot.jpg", "/stream.mjpg"]) {
      assert.equal(await image(page, `${server.at("cam.lan")}${path}?token=${token}`), "shown", `${host} ${path}`);
    }
    assert.equal(await frame(page, `${server.at("cam.lan")}/snapshot.jpg?token=${token}`), "shown", host);
  }
  assert.equal(await image(page, `${server.at("cam.lan")}/snapshot.jpg?token=lcs_no.good`), "blocked");
  await page.goto(`http://evil.lan:${port}/`);
  await page.evaluate((href) => {
    const link = Object.assign(document.createElement("a"), { href, textContent: "look" });
    document.body.append(link);
    link.click();
  }, `${server.at("cam.lan")}/?token=${token}`);
  await page.locator(".player .screen").waitFor();
  await plays(page, ".player .screen", { pictures: 3 });
});
