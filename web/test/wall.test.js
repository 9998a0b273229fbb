// `/`: all cameras on one page.

import assert from "node:assert/strict";
import test from "node:test";
import { arrange } from "../layout.js";
import { plays } from "./support/pixels.js";
import { PATIENCE, freePort, says, scene, screenshot } from "./support/world.js";

const tile = (name) => `.tile[data-name="${name}"]`;
const screen = (name) => `${tile(name)} .player .screen`;

/** Waits until the server tells that its cameras have so many viewers, by name. */
async function viewers(page, server, wanted) {
  const end = Date.now() + PATIENCE;
  let told;
  do {
    const { cameras } = await (await fetch(`${server.url}status`)).json();
    told = Object.fromEntries(cameras.map(({ name, viewers }) => [name, viewers]));
    if (Object.entries(wanted).every(([name, count]) => told[name] === count)) return;
    await page.evaluate(() => new Promise(requestAnimationFrame));
  } while (Date.now() < end);
  assert.deepEqual(told, wanted);
}

async function fits(page) {
  // A phone's own innerWidth grows with what is too wide.
  const content = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(content <= page.viewportSize().width, `${content}`);
}

const names = (page) => page.locator(".tile .name").allInnerTexts();

scene("cameras appear on the wall and vanish from it by themselves, told by one connection", async (world) => {
  const server = await world.server();
  const page = await world.page();
  const asked = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await page.goto(server.url);
  await says(page, "No camera connected yet");
  const [first] = world.cameras(server, 1);
  await page.locator(`${tile("cam-1")}.large`).waitFor();
  await plays(page, screen("cam-1"));
  const garden = world.camera(server, { path: "/ws/camera/garden" });
  await page.getByText("2 cameras, all live").waitFor();
  for (const name of ["cam-1", "garden"]) await plays(page, screen(name));
  assert.deepEqual(await names(page), ["cam-1", "garden"]);
  assert.match(await page.locator(`${tile("garden")} .glance`).innerText(), /fps · \d+ ms$/);
  assert.equal(await page.locator(".large").count(), 0);

  await page.getByText("garden is connected.").waitFor({ state: "attached" });

  await first.end();
  await page.getByText("2 cameras, 1 live").waitFor();
  await page.getByText("cam-1 is disconnected.").waitFor({ state: "attached" });
  await page.locator(tile("cam-1"), { hasText: "Camera disconnected" }).waitFor();
  await page.locator(tile("cam-1"), { hasText: /gone for 1\d s/ }).waitFor();
  // What is gone stands behind the others.
  await page.locator(`${tile("garden")} + ${tile("cam-1")}`).waitFor();
  await viewers(page, server, { "cam-1": 0, garden: 1 });
  await screenshot(page, "desktop-light-wall-gone");
  world.camera(server, { path: "/ws/camera/cam-1" });
  await plays(page, screen("cam-1"));
  await page.locator(`${tile("cam-1")} + ${tile("garden")}`).waitFor();
  await garden.end();
  assert.deepEqual(asked.filter((path) => path === "/status" || path === "/api/events"), ["/api/events"]);
});

scene("a tap enlarges a tile, and three ways lead back", async (world) => {
  const server = await world.server();
  world.cameras(server, 3);
  const page = await world.page();
  await page.goto(server.url);
  for (const name of ["cam-1", "cam-2", "cam-3"]) await plays(page, screen(name));
  const back = {
    "the button": () => page.getByRole("link", { name: "All cameras" }).click(),
    Escape: () => page.keyboard.press("Escape"),
    "the browser's way back": () => page.goBack(),
  };
  for (const [way, act] of Object.entries(back)) {
    await page.locator(`${tile("cam-2")} .open`).click();
    await page.getByRole("heading", { name: "The last 10 minutes" }).waitFor();
    assert.equal(new URL(page.url()).hash, "#cam-2");
    assert.equal(await page.locator(tile("cam-1")).isVisible(), false, way);
    assert.equal(await page.evaluate(() => document.activeElement.className), "back", way);
    await viewers(page, server, { "cam-1": 0, "cam-2": 1, "cam-3": 0 });
    await plays(page, screen("cam-2"));
    await act();
    await page.locator(tile("cam-1")).waitFor();
    assert.equal(new URL(page.url()).hash, "", way);
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Enlarge cam-2", way);
    assert.equal(await page.locator(".page").count(), 0, way);
    await viewers(page, server, { "cam-1": 1, "cam-2": 1, "cam-3": 1 });
  }
  await plays(page, screen("cam-1"));
  // A reload keeps what is large, and the way back from there is the wall too.
  await page.locator(`${tile("cam-3")} .open`).click();
  await page.reload();
  await page.locator(`${tile("cam-3")}.large`).waitFor();
  await page.keyboard.press("Escape");
  await page.locator(tile("cam-1")).waitFor();
  await page.getByRole("link", { name: "cam-2" }).click();
  await page.waitForURL(`${server.url}camera/cam-2`);
  await plays(page, screen("cam-2"));
});

scene("the keyboard alone reaches all of it", async (world) => {
  const server = await world.server();
  world.cameras(server, 2);
  const page = await world.page();
  await page.goto(server.url);
  for (const name of ["cam-1", "cam-2"]) await plays(page, screen(name));
  const focused = () => page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.innerText.trim());
  const tab = async () => {
    await page.keyboard.press("Tab");
    return focused();
  };
  const reached = [];
  for (let count = 0; count < 6; count++) reached.push(await tab());
  assert.deepEqual(reached, ["lenscast", "Enlarge cam-1", "cam-1", "Enlarge cam-2", "cam-2", "Connect another camera"]);
  for (let count = 0; count < 2; count++) await page.keyboard.press("Shift+Tab");
  assert.equal(await focused(), "Enlarge cam-2");
  await page.keyboard.press("Enter");
  await page.locator(`${tile("cam-2")}.large`).waitFor();
  assert.equal(await focused(), "All cameras");
  const actions = [];
  for (let count = 0; count < 8; count++) actions.push(await tab());
  assert.deepEqual(actions.slice(0, 6), ["Rename", "Snapshot", "Record", "Links", "Picture", "Way of playing"]);
  assert.ok(actions.includes("Full screen"), `${actions}`);
  // Whoever has the focus shows it.
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(outline, "solid");
  await page.keyboard.press("Escape");
  await page.locator(tile("cam-1")).waitFor();
  assert.equal(await focused(), "Enlarge cam-2");
});

scene("tiles out of sight have no stream", async (world) => {
  const server = await world.server();
  world.cameras(server, 4);
  const page = await world.page({ phone: true });
  await page.goto(server.url);
  await page.getByText(/^4 cameras/).waitFor();
  await plays(page, screen("cam-1"));
  await viewers(page, server, { "cam-1": 1, "cam-4": 0 });
  await page.locator(`${tile("cam-4")} .name`).scrollIntoViewIfNeeded();
  await plays(page, screen("cam-4"));
  await viewers(page, server, { "cam-1": 0, "cam-4": 1 });
  await page.locator(`${tile("cam-1")} .frame`).scrollIntoViewIfNeeded();
  await plays(page, screen("cam-1"));
  await viewers(page, server, { "cam-1": 1, "cam-4": 0 });
});

scene("ten cameras play on one page", async (world) => {
  const server = await world.server();
  world.camera(server, { size: "320x240", fps: 10, args: ["--count", "10"] });
  const page = await world.page();
  await page.goto(server.url);
  await page.getByText("10 cameras, all live").waitFor();
  const all = Array.from({ length: 10 }, (_, index) => `dev-${index + 1}`);
  assert.deepEqual(await names(page), all, "in the order in which people count");
  for (const name of all) await plays(page, screen(name), { pictures: 4 });
  await screenshot(page, "desktop-light-wall-10");
  assert.equal(await page.evaluate(() => document.documentElement.scrollHeight - innerHeight < 200), true, "nearly all of it is in sight");
});

scene("the wall is there again when the server was restarted", async (world) => {
  const port = await freePort();
  const server = await world.server({ port });
  world.cameras(server, 2);
  const page = await world.page({ expected: /WebSocket connection to .* failed|Failed to load resource/ });
  await page.goto(server.url);
  for (const name of ["cam-1", "cam-2"]) await plays(page, screen(name));
  await server.end();
  await page.getByText("2 cameras, 0 live").waitFor();
  await page.locator(tile("cam-1"), { hasText: "Reconnecting to the server…" }).waitFor();
  await screenshot(page, "desktop-light-wall-reconnecting");
  let removed = 0;
  await page.exposeFunction("tileRemoved", () => (removed += 1));
  await page.evaluate(() => {
    const observer = new MutationObserver((all) => all.forEach(({ removedNodes }) => removedNodes.forEach(() => globalThis.tileRemoved())));
    observer.observe(document.querySelector(".wall"), { childList: true });
  });
  await world.server({ port });
  for (const name of ["cam-1", "cam-2"]) await plays(page, screen(name));
  assert.equal(removed, 0, "the tiles waited for their cameras");
});

scene("a server that hangs is noticed, and told of cameras again when it goes on", async (world) => {
  const server = await world.server();
  world.cameras(server, 2);
  const page = await world.page();
  await page.goto(server.url);
  for (const name of ["cam-1", "cam-2"]) await plays(page, screen(name));
  const again = page.waitForRequest("**/api/events");
  server.hang();
  await page.locator(tile("cam-1"), { hasText: "Nothing new arrives from the server for" }).waitFor();
  await again;
  server.go();
  world.camera(server, { path: "/ws/camera/cam-3" });
  await page.getByText("3 cameras, all live").waitFor();
});

scene("the newest JPEG is there before any stream is", async (world) => {
  const server = await world.server();
  world.cameras(server, 2, { size: "640x480" });
  const page = await world.page();
  // A stream that never comes, and whose state is not told either.
  await page.routeWebSocket(/\/ws\/viewer/, () => {});
  await page.goto(`${server.url}?play=jpeg`);
  for (const name of ["cam-1", "cam-2"]) {
    await page.locator(`${tile(name)} .poster`).waitFor();
    const picture = await page.waitForFunction((selector) => document.querySelector(selector).naturalWidth, `${tile(name)} .poster`);
    assert.equal(await picture.jsonValue(), 640);
  }
});

scene("who is in the middle of something with the only camera stays with it when another comes", async (world) => {
  const server = await world.server();
  world.cameras(server, 1);
  const page = await world.page();
  await page.goto(server.url);
  await plays(page, screen("cam-1"));
  await page.getByRole("button", { name: "Rename" }).click();
  await page.getByLabel("Title of the camera").fill("Front do");
  world.camera(server, { path: "/ws/camera/cam-2" });
  await page.getByRole("link", { name: "All cameras" }).waitFor();
  assert.equal(await page.getByLabel("Title of the camera").inputValue(), "Front do");
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(`${tile("cam-1")}.large`).count(), 1, "Escape ends the form first");
  await page.keyboard.press("Escape");
  await page.getByText("2 cameras, all live").waitFor();
});

for (const colorScheme of ["light", "dark"]) {
  scene(`the wall fits a phone (${colorScheme})`, async (world) => {
    const server = await world.server();
    world.cameras(server, 2);
    const page = await world.page({ phone: true, colorScheme });
    await page.goto(server.url);
    for (const name of ["cam-1", "cam-2"]) await plays(page, screen(name));
    await fits(page);
    await screenshot(page, `phone-${colorScheme}-wall`);
    await page.locator(`${tile("cam-2")} .open`).tap();
    await page.locator(`${tile("cam-2")}.large`).waitFor();
    await plays(page, screen("cam-2"));
    await fits(page);
    await screenshot(page, `phone-${colorScheme}-enlarged`);
  });
}

test("tiles are as large as they can be with all of them in sight", () => {
  const desktop = { width: 1248, height: 736 };
  const columns = (count, room) => arrange(count, room).columns;
  assert.deepEqual([1, 2, 3, 4, 5, 6, 9, 10, 12].map((count) => columns(count, desktop)), [1, 2, 2, 2, 3, 3, 3, 4, 4]);
  for (let count = 1; count <= 12; count++) {
    const { columns, width } = arrange(count, desktop);
    const high = ((width - 16 * (columns - 1)) / columns / 4) * 3 + 60;
    assert.ok(width <= 1248 && Math.ceil(count / columns) * high <= 736.1, `${count}: ${columns} in ${width}`);
  }
});

test("tiles that do not fit stand comfortably below each other", () => {
  assert.deepEqual(arrange(40, { width: 1248, height: 736 }), { columns: 4, width: 1248 });
  assert.deepEqual(arrange(4, { width: 358, height: 788 }), { columns: 1, width: 358 });
  assert.deepEqual(arrange(5, { width: 358, height: 788 }), { columns: 2, width: 358 });
  assert.deepEqual(arrange(0, { width: 358, height: 788 }), { columns: 1, width: 358 });
});
