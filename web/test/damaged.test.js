// Cameras whose pictures are damaged, or are too large for video: the page plays what there is, and says what is wrong.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { says, scene } from "./support/world.js";

/** Sends a JPEG fifteen times a second as a camera of the server, from a page of it. */
async function sends(world, server, jpeg) {
  const page = await world.page();
  await page.goto(`${server.url}healthz`);
  await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const socket = new WebSocket(`ws://${location.host}/ws/camera`);
    await new Promise((resolve) => (socket.onopen = resolve));
    setInterval(() => socket.readyState === WebSocket.OPEN && socket.send(bytes), 1000 / 15);
  }, jpeg.toString("base64"));
}

/** A JPEG that ffmpeg draws. */
function drawn(size) {
  const source = `testsrc=size=${size}:rate=1`;
  const run = spawnSync("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", source, "-frames:v", "1", "-f", "mjpeg", "-pix_fmt", "yuvj420p", "-"]);
  assert.equal(run.status, 0, String(run.stderr));
  return run.stdout;
}

/** A JPEG whose last hundredth is missing, with an end marker. */
function damaged(jpeg) {
  return Buffer.concat([jpeg.subarray(0, Math.floor(jpeg.length * 0.99)), Buffer.from([0xff, 0xd9])]);
}

for (const way of ["webcodecs", "mse"]) {
  scene(`a camera whose every picture is damaged plays, and the page says so (${way})`, async (world) => {
    const server = await world.server();
    await sends(world, server, damaged(drawn("320x240")));
    const page = await world.page();
    await page.goto(`${server.url}?play=${way}`);
    const said = await says(page, "its picture data is damaged");
    assert.match(said, /^Live/);
    await page.getByText("Its picture data is damaged. Check that the sensor's ribbon cable").waitFor();
    // By video, and not by the JPEGs as a last resort.
    await page.locator(way === "mse" ? "video.screen" : "canvas.screen").waitFor();
    assert.equal(await page.getByText("There is no video").count(), 0);
  });
}

scene("pictures of which there is no video are shown as JPEGs, with the reason", async (world) => {
  const server = await world.server();
  await sends(world, server, drawn("3856x64"));
  const page = await world.page();
  await page.goto(`${server.url}?play=webcodecs`);
  await says(page, "Live");
  await page.getByText("There is no video, since of each picture: too large for video, shown as JPEG.").waitFor();
  await page.waitForFunction(() => document.querySelector("canvas.screen")?.width === 3856);
});

scene("a camera that sends its length first is told what to change", async (world) => {
  const server = await world.server();
  const jpeg = drawn("320x240");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(jpeg.length);
  await sends(world, server, Buffer.concat([length, jpeg]));
  const page = await world.page();
  await page.goto(server.url);
  const said = await says(page, "a JPEG begins at byte 4: send nothing before it");
  assert.match(said, /^What the camera sends is refused/);
  await page.getByText("Send nothing before the JPEG: no length, no header, no time.").waitFor();
});
