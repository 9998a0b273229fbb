// The page of one camera, in the way that browsers play by themselves.

import assert from "node:assert/strict";
import { plays } from "./support/pixels.js";
import { freePort, says, scene, screenshot, toldNothing } from "./support/world.js";

/** What the player shows. */
const SCREEN = ".player .screen";

scene("a page opened before any camera says so, and plays when one comes", async (world) => {
  const server = await world.server();
  const page = await world.page();
  await page.goto(server.url);
  await says(page, "No camera connected yet");
  await page.getByText("Cameras cannot reach 127.0.0.1").waitFor();
  await screenshot(page, "desktop-light-waiting");

  world.camera(server, { fps: 20, size: "640x480" });
  const picture = await plays(page, SCREEN, { pictures: 20 });
  assert.deepEqual([picture.width, picture.height], [640, 480]);
  await says(page, "Live");
  await page.getByText("640 × 480", { exact: true }).waitFor();
  await page.getByText("H.264, no buffer", { exact: true }).waitFor();
  assert.equal(await page.getByRole("heading", { name: "Cameras cannot reach" }).isVisible(), false);
  await screenshot(page, "desktop-light-live");
});

scene("the lines to type on a camera name the address under which the page was opened", async (world) => {
  const server = await world.server();
  const page = await world.page({ init: toldNothing });
  // As if this computer had that address: what the page loads comes from the server, its socket is ours.
  await page.route("http://192.168.1.5:8090/**", async (route) => {
    const { pathname } = new URL(route.request().url());
    await route.fulfill({ response: await route.fetch({ url: new URL(pathname, server.url).href }) });
  });
  await page.routeWebSocket(/\/ws\/viewer/, (socket) => socket.send('{"event":"state","camera":"garden","state":"waiting"}'));
  await page.goto("http://192.168.1.5:8090/");
  await says(page, "No camera connected yet");
  assert.deepEqual(await page.locator(".console code").allInnerTexts(), [
    "wifi set <network> <password> save",
    "wifi connect",
    "stream set host 192.168.1.5 8090 save",
    "stream start",
  ]);
  assert.equal(await page.getByRole("button", { name: "Start a virtual camera" }).isVisible(), false, "nobody here may start one");
  await screenshot(page, "desktop-light-help");
  // WebCodecs would play in a worker, whose sockets cannot be ours.
  await page.goto("http://192.168.1.5:8090/camera/garden?play=jpeg");
  await says(page, "No camera connected yet");
  assert.deepEqual((await page.locator(".console code").allInnerTexts()).slice(2), [
    "stream set host 192.168.1.5 8090 save",
    "stream set path /ws/camera/garden save",
    "stream start",
  ]);
  await page.setViewportSize({ width: 390, height: 844 });
  await screenshot(page, "phone-light-help");
});

scene("a camera that leaves is missed, and plays again when it is back", async (world) => {
  const server = await world.server();
  const camera = world.camera(server);
  const page = await world.page({ colorScheme: "dark" });
  await page.goto(server.url);
  await plays(page, SCREEN);
  await screenshot(page, "desktop-dark-live");
  await camera.end();
  await says(page, "Camera disconnected");
  assert.equal(await page.locator(".stage").getAttribute("data-kind"), "bad", "a picture that stands still is dimmed");
  // Long enough that the time stamps have a gap that no buffer bridges.
  await says(page, /[4-9] s ago/);
  await screenshot(page, "desktop-dark-left");
  world.camera(server);
  await plays(page, SCREEN);
  await says(page, "Live");
});

scene("a camera that hangs is called silent, with the time, and plays again when it goes on", async (world) => {
  const server = await world.server();
  const camera = world.camera(server);
  const page = await world.page();
  await page.goto(server.url);
  await plays(page, SCREEN);
  camera.hang();
  await says(page, /Camera silent for 3 s/);
  await says(page, /Camera silent for 5 s/);
  await screenshot(page, "desktop-light-silent");
  // Who comes now sees its last picture, and that it is old.
  const late = await world.page();
  await late.goto(server.url);
  await says(late, /Camera silent for \d+ s/);
  await late.waitForFunction(() => document.querySelector(".poster").naturalWidth || document.querySelector(".player canvas").width > 300);
  camera.go();
  await plays(late, SCREEN);
  await plays(page, SCREEN);
  await says(page, "Live");
});

scene("a camera without a picture is waited for", async (world) => {
  const server = await world.server();
  const page = await world.page({ phone: true });
  await page.goto(server.url);
  await says(page, "No camera connected yet");
  // A camera that says nothing: the page itself may speak to the server.
  await page.evaluate(() => (globalThis.camera = new WebSocket(`ws://${location.host}/ws/camera`)));
  await says(page, "Camera connected, waiting for its first picture");
  await screenshot(page, "phone-light-no-frame");
});

scene("the page plays again by itself when the server was restarted", async (world) => {
  const port = await freePort();
  const server = await world.server({ port });
  const camera = world.camera(server);
  // Browsers log each attempt that fails, whatever a page does.
  const page = await world.page({ expected: /WebSocket connection to .* failed|Failed to load resource/ });
  await page.goto(server.url);
  await plays(page, SCREEN);
  await server.end();
  await says(page, "Reconnecting to the server…");
  await screenshot(page, "desktop-light-reconnecting");
  await world.server({ port });
  await plays(page, SCREEN);
  await says(page, "Live");
  await camera.end();
});

scene("another resolution plays on", async (world) => {
  const server = await world.server();
  const camera = world.camera(server, { size: "320x240" });
  const page = await world.page();
  await page.goto(server.url);
  await plays(page, SCREEN, { where: ({ width }) => width === 320 });
  await camera.end();
  world.camera(server, { size: "800x600" });
  await plays(page, SCREEN, { where: ({ width, height }) => width === 800 && height === 600 });
  await page.getByText("800 × 600", { exact: true }).waitFor();
});

scene("a slow camera plays live", async (world) => {
  const server = await world.server();
  world.camera(server, { fps: 4 });
  const page = await world.page();
  await page.goto(server.url);
  await plays(page, SCREEN, { pictures: 16 });
  await page.getByText(/^(3\.[5-9]|4\.[0-5]) fps$/).waitFor();
  await says(page, "Live");
});

scene("each camera has its own page", async (world) => {
  const server = await world.server();
  world.camera(server, { path: "/ws/camera/garden" });
  const page = await world.page();
  await page.goto(`${server.url}camera/garden`);
  await plays(page, SCREEN);
  const links = await page.locator(".links a").evaluateAll((all) => all.map((link) => link.getAttribute("href")));
  assert.deepEqual(links, ["/stream/garden.ts", "/stream/garden.mjpg", "/snapshot/garden.jpg", "/mjpeg/garden"]);
  await page.getByRole("button", { name: "Links" }).click();
  await page.getByRole("link", { name: "/mjpeg/garden" }).click();
  await page.waitForURL("**/mjpeg/garden");
  await plays(page, SCREEN);
  await page.locator("dd", { hasText: "JPEG pictures" }).waitFor();
  await page.goto(`${server.url}camera/cellar`);
  await says(page, "No camera connected yet");
  await page.getByRole("link", { name: "All cameras" }).click();
  await page.waitForURL(server.url);
  await plays(page, SCREEN);
});

for (const colorScheme of ["light", "dark"]) {
  scene(`nothing is wider than a phone (${colorScheme})`, async (world) => {
    const server = await world.server();
    const page = await world.page({ phone: true, colorScheme });
    const fits = async () => {
      const [content, view] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(content <= view && view === 390, `${content} in ${view}`);
    };
    await page.goto(server.url);
    await says(page, "No camera connected yet");
    await screenshot(page, `phone-${colorScheme}-waiting`);
    await fits();
    const camera = world.camera(server, { size: "640x480" });
    await plays(page, SCREEN);
    await says(page, "Live");
    await screenshot(page, `phone-${colorScheme}-live`);
    await fits();
    await camera.end();
    await says(page, "Camera disconnected");
    await screenshot(page, `phone-${colorScheme}-left`);
    await fits();
  });
}
