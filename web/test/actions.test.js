// What an owner does with a camera.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { promisify } from "node:util";
import { losses, stages } from "../numbers.js";
import { ceiling, paths } from "../plot.js";
import { stamp } from "../toolbar.js";
import { plays } from "./support/pixels.js";
import { freePort, says, scene, screenshot } from "./support/world.js";

const SCREEN = ".player .screen";
const tile = (name) => `.tile[data-name="${name}"]`;

/** What a click saves, as a name and a path. */
async function saved(page, click) {
  const [download] = await Promise.all([page.waitForEvent("download"), click()]);
  return { name: download.suggestedFilename(), path: await download.path() };
}

scene("a snapshot is saved under the camera's name and the time", async (world) => {
  const server = await world.server();
  world.camera(server, { path: "/ws/camera/garden", size: "640x480" });
  const page = await world.page();
  await page.goto(`${server.url}camera/garden`);
  await plays(page, SCREEN);
  const { name, path } = await saved(page, () => page.getByRole("button", { name: "Snapshot" }).click());
  assert.match(name, /^garden-\d{8}-\d{6}\.jpg$/);
  const jpeg = await readFile(path);
  assert.deepEqual([jpeg.readUInt16BE(0), jpeg.readUInt16BE(jpeg.length - 2)], [0xffd8, 0xffd9]);
  await page.getByText(`Saved ${name}`).waitFor();
});

scene("a clip is recorded as the camera sends it", async (world) => {
  const server = await world.server();
  world.camera(server, { path: "/ws/camera/garden" });
  const page = await world.page({ colorScheme: "dark" });
  await page.goto(`${server.url}camera/garden`);
  await plays(page, SCREEN);
  await page.getByRole("button", { name: "Record" }).click();
  const stop = page.getByRole("button", { name: "Stop and save" });
  await page.getByRole("timer").getByText(/^0:0[3-9] · \d+ kB$/).waitFor();
  await screenshot(page, "desktop-dark-recording");
  const { name, path } = await saved(page, () => stop.click());
  assert.match(name, /^garden-\d{8}-\d{6}\.mp4$/);
  await page.getByRole("button", { name: "Record" }).waitFor();
  const ask = ["-v", "error", "-count_frames", "-show_entries", "stream=codec_name,width,height,nb_read_frames:format=duration", "-of", "json", path];
  const { stdout, stderr } = await promisify(execFile)("ffprobe", ask);
  assert.equal(stderr, "");
  const { streams, format } = JSON.parse(stdout);
  assert.deepEqual([streams[0].codec_name, streams[0].width, streams[0].height], ["h264", 320, 240]);
  const [seconds, frames] = [Number(format.duration), Number(streams[0].nb_read_frames)];
  assert.ok(seconds > 2.5 && frames > 2 * seconds && frames < 20 * seconds, `${frames} frames in ${seconds} s`);
});

scene("a clip whose camera leaves is saved by itself", async (world) => {
  const server = await world.server();
  const camera = world.camera(server);
  const page = await world.page();
  await page.goto(server.url);
  await plays(page, SCREEN);
  await page.getByRole("button", { name: "Record" }).click();
  await page.getByText(/^0:0[1-9] ·/).waitFor();
  const { name } = await saved(page, () => camera.end());
  assert.match(name, /^default-.*\.mp4$/);
  await page.getByText("The camera left").waitFor();
});

scene("addresses and snippets are copied as they have to be pasted", async (world) => {
  const server = await world.server();
  world.camera(server, { path: "/ws/camera/garden" });
  const page = await world.page();
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto(`${server.url}camera/garden`);
  await plays(page, SCREEN);
  await page.getByRole("button", { name: "Links" }).click();
  await screenshot(page, "desktop-light-links");
  const copied = [];
  const buttons = page.locator(".links .copy");
  for (let index = 0; index < (await buttons.count()); index++) {
    await buttons.nth(index).click();
    await buttons.nth(index).getByText("Copied").waitFor();
    copied.push(await page.evaluate(() => navigator.clipboard.readText()));
  }
  assert.deepEqual(copied, [
    `${server.url}stream/garden.ts`,
    `${server.url}stream/garden.mjpg`,
    `${server.url}snapshot/garden.jpg`,
    `${server.url}mjpeg/garden`,
    `<img src="${server.url}stream/garden.mjpg?token=TOKEN" alt="garden">`,
    `type: picture\nimage: ${server.url}stream/garden.mjpg?token=TOKEN`,
    `ffplay -fflags nobuffer ${server.url}stream/garden.ts`,
    `ffmpeg -i ${server.url}stream/garden.ts -c copy garden.mp4`,
  ]);
});

scene("a title stays, across a reload and a restart of the server; the path does not change", async (world) => {
  const port = await freePort();
  const args = ["--state-dir", await world.folder()];
  const server = await world.server({ port, args });
  world.cameras(server, 2);
  const page = await world.page({ expected: /WebSocket connection to .* failed|Failed to load resource/ });
  await page.goto(server.url);
  await page.locator(`${tile("cam-2")} .open`).click();
  await page.getByRole("button", { name: "Rename" }).click();
  const field = page.getByLabel("Title of the camera");
  await field.fill(`  Garden "north" & <b>gate</b> `);
  await screenshot(page, "desktop-light-rename");
  await page.keyboard.press("Enter");
  const title = 'Garden "north" & <b>gate</b>';
  await page.getByRole("heading", { name: title }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Rename");
  await page.reload();
  await page.getByRole("heading", { name: title }).waitFor();
  await page.keyboard.press("Escape");
  await page.locator(`${tile("cam-2")} .name`, { hasText: title }).waitFor();
  await server.end();
  await page.getByText("2 cameras, 0 live").waitFor();
  await world.server({ port, args });
  await page.getByText("2 cameras, all live").waitFor();
  await page.getByRole("link", { name: title }).click();
  await page.waitForURL("**/camera/cam-2");
  await page.getByRole("heading", { name: title }).waitFor();
  // What the server refuses, it says why; what is empty leads back to the name.
  await page.getByRole("button", { name: "Rename" }).click();
  assert.equal(await field.inputValue(), title);
  await field.fill("");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "cam-2" }).waitFor();
});

scene("a camera that is gone is forgotten on demand, on the wall and on its page", async (world) => {
  const server = await world.server();
  const [first, second] = world.cameras(server, 3);
  const page = await world.page();
  await page.goto(server.url);
  await page.getByText("3 cameras, all live").waitFor();
  await first.end();
  await page.getByRole("button", { name: "Forget cam-1" }).click();
  await page.getByText("2 cameras, all live").waitFor();
  assert.equal(await page.locator(tile("cam-1")).count(), 0);
  await page.locator(`${tile("cam-2")} .open`).click();
  await second.end();
  await says(page, "Camera disconnected");
  await page.getByRole("button", { name: "Forget", exact: true }).click();
  await page.locator(`${tile("cam-3")}.large`).waitFor();
  const { cameras } = await (await fetch(`${server.url}status`)).json();
  assert.deepEqual(cameras.map(({ name }) => name), ["cam-3"]);
});

scene("a camera is forgotten once, also when the list says so before the answer", async (world) => {
  const server = await world.server();
  const [first] = world.cameras(server, 2);
  const page = await world.page();
  await page.goto(server.url);
  await page.getByText("2 cameras, all live").waitFor();
  await page.route("**/api/cameras/cam-1", async (route) => {
    const response = await route.fetch();
    await page.locator(tile("cam-1")).waitFor({ state: "detached" });
    await route.fulfill({ response });
  });
  await first.end();
  const answered = page.waitForResponse("**/api/cameras/cam-1");
  await page.getByRole("button", { name: "Forget cam-1" }).click();
  await answered;
  // What the page does with the answer goes wrong within this time, or not at all.
  await page.waitForTimeout(300);
  assert.equal(await page.locator(".tile").count(), 1);
});

scene("all cameras that are gone are forgotten by one button, and those that are there stay", async (world) => {
  const server = await world.server();
  const cameras = world.cameras(server, 4);
  const page = await world.page();
  await page.goto(server.url);
  await page.getByText("4 cameras, all live").waitFor();
  const all = page.getByRole("button", { name: /^Forget all/ });
  await cameras[0].end();
  await page.getByRole("button", { name: "Forget cam-1" }).waitFor();
  assert.equal(await all.isVisible(), false, "for one there is a button beside it");
  await cameras[1].end();
  await cameras[2].end();
  await page.getByRole("button", { name: "Forget all 3 that are gone" }).click();
  await page.locator(`${tile("cam-4")}.large`).waitFor();
  assert.equal(await all.isVisible(), false);
  const { cameras: left } = await (await fetch(`${server.url}status`)).json();
  assert.deepEqual(left.map(({ name }) => name), ["cam-4"]);
});

scene("without a camera, one is started by a button, and ended by another", async (world) => {
  const server = await world.server();
  const page = await world.page();
  await page.goto(server.url);
  await page.getByRole("button", { name: "Start a virtual camera" }).click();
  const picture = await plays(page, SCREEN);
  assert.deepEqual([picture.width, picture.height], [640, 480]);
  await page.getByText("This is a virtual camera").waitFor();
  await page.getByRole("button", { name: "End this virtual camera" }).click();
  await says(page, "No camera connected yet");
});

scene("who may change nothing sees no button for it", async (world) => {
  const server = await world.server();
  const cameras = world.cameras(server, 2);
  // As if the page had been opened on another computer.
  const init = () => {
    const Real = EventSource;
    globalThis.EventSource = class extends Real {
      addEventListener(name, listener) {
        const told = name === "hello" ? () => listener({ data: '{"admin":false}' }) : listener;
        super.addEventListener(name, told);
      }
    };
  };
  const page = await world.page({ init });
  await page.goto(server.url);
  await page.getByText("2 cameras, all live").waitFor();
  await page.locator(`${tile("cam-2")} .open`).click();
  await page.getByText("open this page on the computer that runs lenscast").waitFor();
  for (const name of ["Rename", "Picture", "Change"]) {
    assert.equal(await page.getByRole("button", { name, exact: true }).isVisible(), false, name);
  }
  await cameras[1].end();
  await says(page, "Camera disconnected");
  await page.keyboard.press("Escape");
  await page.locator(tile("cam-2"), { hasText: "gone for" }).waitFor();
  assert.equal(await page.getByRole("button", { name: /^Forget/ }).count(), 0);
});

scene("the way of playing is chosen, and a reload keeps it", async (world) => {
  const server = await world.server();
  world.camera(server);
  const page = await world.page();
  await page.goto(server.url);
  await plays(page, SCREEN);
  const select = page.getByLabel("Way of playing");
  const playing = (text) => page.locator("dd", { hasText: text }).waitFor();
  assert.equal(await select.inputValue(), "auto");
  await playing("H.264, no buffer");
  for (const [way, text] of [["mse", "H.264, buffered"], ["jpeg", "JPEG pictures"], ["webcodecs", "H.264, no buffer"]]) {
    await select.selectOption(way);
    await playing(text);
    await plays(page, SCREEN);
    assert.equal(new URL(page.url()).searchParams.get("play"), way);
  }
  await select.selectOption("jpeg");
  await page.reload();
  await plays(page, SCREEN);
  await playing("JPEG pictures");
  assert.equal(await select.inputValue(), "jpeg");
});

scene("full screen shows the picture and its bar, and Escape is not the way back to the wall then", async (world) => {
  const server = await world.server();
  world.camera(server);
  const page = await world.page();
  await page.goto(server.url);
  await plays(page, SCREEN);
  await page.getByRole("button", { name: "Full screen" }).click();
  await page.waitForFunction(() => document.fullscreenElement?.classList.contains("stage"));
  await plays(page, SCREEN);
  const [frame, view] = await page.evaluate(() => [document.querySelector(".frame").clientHeight, innerHeight]);
  assert.equal(frame, view);
  await screenshot(page, "desktop-light-fullscreen");
  // The bar hides while nothing moves.
  await page.locator(".stage.idle").waitFor();
  await page.mouse.move(200, 200);
  await page.locator(".stage:not(.idle)").waitFor();
  await page.getByRole("button", { name: "Full screen" }).click();
  await page.waitForFunction(() => !document.fullscreenElement);
});

scene("the numbers say where the time goes, and how it was before the page was opened", async (world) => {
  const server = await world.server();
  world.camera(server);
  const page = await world.page();
  let kept;
  do {
    const answer = await fetch(`${server.url}api/cameras/default/history`);
    kept = answer.ok ? (await answer.json()).samples : [];
    await page.evaluate(() => new Promise(requestAnimationFrame));
  } while (kept.length < 2);
  await page.goto(server.url);
  const line = await page.waitForFunction(() => document.querySelector(".plot .line")?.getAttribute("d"));
  const points = new Set((await line.jsonValue()).slice(1).split("L"));
  assert.ok(points.size >= kept.length, `${[...points]}`);
  await plays(page, SCREEN);
  await page.getByText("Where the time goes").click();
  await page.getByText("Pictures lost, and why").click();
  await page.getByRole("row", { name: /^Together \d/ }).waitFor();
  const rows = await page.locator("tbody th").allInnerTexts();
  const all = ["Taken in", "JPEG decoded", "Video encoded", "In the queue", "On the network", "In this browser", "Together"];
  assert.deepEqual(rows, all);
  await page.getByText("The server counts since it started").waitFor();
  // The plots say in words what they show.
  const [rate, latency] = await page.locator(".plot svg").evaluateAll((all) => all.map((svg) => svg.getAttribute("aria-label")));
  assert.match(rate, /^Rate over the last ten minutes: now \d.* fps, lowest /);
  assert.match(latency, /^Time in the server over the last ten minutes: (now|nothing)/);
  await page.locator(".numbers").scrollIntoViewIfNeeded();
  await screenshot(page, "desktop-light-numbers");
});

test("files are named by the time of this place", () => {
  assert.equal(stamp(new Date(2025, 0, 2, 3, 4, 5)), "20250102-030405");
});

test("the stages are in the order in which a picture passes them, and JPEG pictures pass fewer", () => {
  const pipeline = { ingest: 0.1, decode: 2, encode: 3, mux: 0.5, queue: 1 };
  const facts = { stages: { server: 0.006, network: 0.002, render: 0.004 } };
  const video = [["ingest", 0.1], ["decode", 2], ["encode", 3.5], ["queue", 1], ["network", 2], ["render", 4]];
  assert.deepEqual(stages(pipeline, facts, "webcodecs"), video);
  assert.deepEqual(stages(pipeline, facts, "jpeg").map(([name]) => name), ["ingest", "queue", "network", "render"]);
  assert.deepEqual(stages(pipeline, { stages: { network: null, render: null } }, "mse"), video.slice(0, 4));
});

test("what was lost is said with the reason, and nothing else", () => {
  const camera = { dropped: 3, quarantined: { truncated: 2, encoder_failed: 1 }, device: { dropped: 0, camera_faults: 5, too_big: null } };
  assert.deepEqual(losses(camera, { lost: 0, late: 1 }), [
    [1, "came, but this browser was too slow to show them"],
    [3, "not encoded: a newer one came before the encoder was free"],
    [2, "refused: it ends too early"],
    [1, "refused: the encoder failed"],
    [5, "not delivered whole by the camera's sensor"],
  ]);
  assert.deepEqual(losses(null, { lost: 0, late: 0 }), []);
});

test("a plot has a round top, gaps where nothing is known, and the newest at its right edge", () => {
  assert.deepEqual([0, 0.3, 1, 1.1, 14.9, 15, 30, 99, 100, 101].map(ceiling), [1, 1, 1, 2, 20, 20, 50, 100, 100, 200]);
  const { line, area } = paths([10, 5, null, 10], 10);
  assert.equal(line, "M97.48 0L98.32 50M100 0L100 0");
  assert.equal(area, "M97.48 100L97.48 0L98.32 50L98.32 100ZM100 100L100 0L100 100Z");
  assert.deepEqual(paths([], 10), { line: "", area: "" });
});
