// Clips: MP4 files of what a camera sends, judged by ffmpeg.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { ClipRecorder } from "../clip.js";
import { box, buffer, fragment } from "./support/boxes.js";
import { browser } from "./support/sockets.js";
import { scene } from "./support/world.js";

/** Makes a recorder in the page; `recorder(page, "…")` then runs an expression with it. */
async function begin(page, url) {
  await page.goto(`${url}status`);
  await page.evaluate(async () => {
    const { ClipRecorder } = await import("/assets/clip.js");
    const socket = (format) => `ws://${location.host}/ws/viewer?format=${format}&events=1`;
    globalThis.changes = 0;
    globalThis.clip = new ClipRecorder({ socket }, () => (globalThis.changes += 1));
    globalThis.clip.start();
  });
}

const state = (page) =>
  page.evaluate(() => ({ state: clip.state, reason: clip.reason, seconds: clip.seconds, bytes: clip.bytes, changes: globalThis.changes }));

/** Stops it; the file's name, or null. */
async function stop(world, page) {
  const base64 = await page.evaluate(async () => {
    const blob = globalThis.clip.stop();
    if (!blob) return null;
    const bytes = new Uint8Array(await blob.arrayBuffer());
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    return `${blob.type},${btoa(text)}`;
  });
  if (!base64) return null;
  const [type, data] = base64.split(",");
  assert.equal(type, "video/mp4");
  const file = join(await world.folder(), "clip.mp4");
  await writeFile(file, Buffer.from(data, "base64"));
  return file;
}

/** What ffprobe says of a file; it must decode without a word. */
function probe(file) {
  const complaints = execFileSync("ffmpeg", ["-v", "error", "-i", file, "-f", "null", "-"], { stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
  assert.equal(complaints, "");
  const entries = "stream=codec_name,width,height,start_time,duration,nb_frames:format=format_name,duration:frame=pts_time,key_frame";
  const args = ["-v", "error", "-show_entries", entries, "-show_frames", "-of", "json", file];
  const { streams, format, frames } = JSON.parse(execFileSync("ffprobe", args, { encoding: "utf8", maxBuffer: 1e8 }));
  assert.equal(streams.length, 1);
  return { ...streams[0], length: Number(format.duration), times: frames.map(({ pts_time }) => Number(pts_time)), keys: frames.map(({ key_frame }) => key_frame) };
}

scene("a clip has every frame as long as it was shown, and ends when it is told to", async (world) => {
  const server = await world.server();
  world.camera(server, { fps: 10, size: "640x480" });
  const page = await world.page();
  await begin(page, server.url);
  await page.waitForFunction(() => globalThis.clip.seconds > 3);
  const { seconds, bytes, changes, ...is } = await state(page);
  assert.deepEqual([is.state, is.reason, changes], ["recording", "", 0]);
  assert.ok(bytes > 1000);
  const clip = probe(await stop(world, page));
  assert.deepEqual([clip.codec_name, clip.width, clip.height], ["h264", 640, 480]);
  assert.equal(Number(clip.start_time), 0);
  assert.equal(clip.keys[0], 1);
  assert.ok(clip.keys.filter((key) => key).length >= 2, "it can be wound to other key frames");
  assert.equal(clip.times.length, Number(clip.nb_frames));
  // What the times say is what was counted; and the last frame lasts as long as the one before.
  const { length, times } = clip;
  const last = times.at(-1);
  assert.ok(last >= seconds - 0.001 && last < seconds + 2, `${last} s, not ${seconds} s`);
  assert.ok(Math.abs(length - last - (last - times.at(-2))) < 0.002, `${length} s, the last frame at ${last} s`);
  const steps = times.slice(1).map((time, before) => time - times[before]);
  steps.sort((a, b) => a - b);
  const middle = steps[steps.length >> 1];
  assert.ok(middle > 0.08 && middle < 0.12, `${middle} s between frames of a camera with ten a second`);
  assert.equal((await state(page)).state, "idle");
});

scene("a clip ends by itself when the camera leaves or its picture changes, and keeps what it has", async (world) => {
  const server = await world.server();
  const camera = world.camera(server, { path: "/ws/camera" });
  const page = await world.page();
  await begin(page, server.url);
  await page.waitForFunction(() => globalThis.clip.seconds > 1);
  await camera.end();
  await page.waitForFunction(() => globalThis.changes === 1);
  assert.deepEqual([(await state(page)).state, (await state(page)).reason], ["idle", "The camera left"]);
  const { seconds } = await state(page);
  assert.ok(Math.abs(probe(await stop(world, page)).times.at(-1) - seconds) < 0.002);
  assert.ok(seconds > 1);

  // Nothing to record is a failure.
  await page.evaluate(() => globalThis.clip.start());
  await page.waitForFunction(() => globalThis.changes === 2);
  assert.deepEqual([(await state(page)).state, await stop(world, page)], ["failed", null]);

  // Another size while a picture is recorded, with no moment without a camera: the page is the camera.
  await page.evaluate(async () => {
    const socket = new WebSocket(`ws://${location.host}/ws/camera`);
    await new Promise((resolve) => (socket.onopen = resolve));
    const canvas = new OffscreenCanvas(320, 240);
    const context = canvas.getContext("2d");
    let count = 0;
    setInterval(async () => {
      if (count === 40) Object.assign(canvas, { width: 160, height: 128 });
      context.fillStyle = `hsl(${(count++ * 3) % 360} 45% 45%)`;
      context.fillRect(0, 0, 320, 240);
      socket.send(await canvas.convertToBlob({ type: "image/jpeg" }));
    }, 50);
    globalThis.clip.start();
  });
  await page.waitForFunction(() => globalThis.changes === 3);
  assert.equal((await state(page)).reason, "The picture's size changed");
  const clip = probe(await stop(world, page));
  assert.deepEqual([clip.width, clip.height], [320, 240]);
  assert.ok(clip.times.length > 1);
});

test("a clip begins with a key frame, and ends by itself after ten minutes or 200 MB", async (t) => {
  const { sockets } = browser(t);
  let changes = 0;
  const clip = new ClipRecorder({ socket: (format) => `ws://here?format=${format}` }, () => (changes += 1));
  t.after(() => clip.stop());
  const begin = () => {
    clip.start();
    const socket = sockets.at(-1);
    socket.open();
    socket.onmessage({ data: buffer(box("ftyp", "iso5"), box("moov")) });
    return (ticks, ...unit) => socket.onmessage({ data: fragment(ticks, unit) });
  };
  let send = begin();
  send(90_000, 0x61, 1);
  send(180_000, 0x65, 2);
  send(270_000, 0x61, 3);
  assert.deepEqual([clip.seconds, clip.bytes, clip.state], [1, 12, "recording"]);
  assert.deepEqual([...Buffer.from(await clip.stop().arrayBuffer()).subarray(-12)], [0, 0, 0, 2, 0x65, 2, 0, 0, 0, 2, 0x61, 3]);
  assert.equal(changes, 0);

  send = begin();
  send(0, 0x65, 0);
  send(599 * 90_000, 0x61, 0);
  assert.equal(clip.state, "recording");
  send(600 * 90_000, 0x61, 0);
  assert.deepEqual([clip.state, clip.reason, changes], ["idle", "A clip ends after ten minutes or 200 MB", 1]);
  assert.equal(sockets.at(-1).readyState, 3, "nothing comes any more");
  assert.ok(clip.stop());

  begin();
  const big = new Uint8Array(150e6);
  big[0] = 0x65;
  for (const ticks of [0, 9000]) sockets.at(-1).onmessage({ data: fragment(ticks, big) });
  assert.deepEqual([clip.state, changes], ["idle", 2]);
});
