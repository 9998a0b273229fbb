// What `cargo xtask bench --browser` measures in a real browser: camera → rendered pixels, and the first picture. Results go
// to standard output as JSON, progress to standard error.

import { cpus, loadavg } from "node:os";
import { setTimeout as after } from "node:timers/promises";
import { closeBrowser, PATIENCE, World } from "../support/world.js";
import { firstPictures, watchPictures } from "./sampler.js";

const WAYS = ["webcodecs", "mse", "jpeg"];
const CAMERAS = [
  { size: "640x480", fps: 30 },
  { size: "320x240", fps: 15 },
];
const WARM_UP = 5;
const SECONDS = Number(process.env.BENCH_SECONDS ?? 25);
const LOADS = Number(process.env.BENCH_LOADS ?? 12);
const TEN = { count: 10, size: "320x240", fps: 15 };

const tell = (text) => process.stderr.write(`${text}\n`);

/** How busy this machine was between two moments, in cores, whoever it was. */
function cores() {
  const times = cpus().map(({ times }) => times);
  const sum = (name) => times.reduce((total, one) => total + one[name], 0);
  const all = Object.keys(times[0]).reduce((total, name) => total + sum(name), 0);
  return { idle: sum("idle"), all, count: times.length };
}

function busy(from, to) {
  return to.count * (1 - (to.idle - from.idle) / (to.all - from.all));
}

/** Gives the body a world, and ends it. What a page complains about goes to the terminal. */
async function within(body) {
  const world = new World();
  try {
    return await body(world);
  } finally {
    await world.end();
    for (const fault of world.faults) tell(`  the page: ${fault}`);
  }
}

/** The way that the page really plays, by what it asks the server for: it may have fallen back. */
async function playing(page) {
  return page.evaluate(() => [...new Set([...document.querySelectorAll(".screen")].map(({ tagName }) => tagName.toLowerCase()))].join(" "));
}

/** Opens an address and samples what it shows, after a while. */
async function sample(world, server, path, pictures) {
  const page = await world.page({ init: watchPictures });
  await page.goto(server.url + path);
  await page.waitForFunction((count) => globalThis.sampler.seen() >= count, pictures, { timeout: PATIENCE });
  await after(1000 * WARM_UP);
  const before = cores();
  await page.evaluate(() => globalThis.sampler.begin());
  await after(1000 * SECONDS);
  const result = await page.evaluate(() => globalThis.sampler.end());
  return { ...result, busy: busy(before, cores()), elements: await playing(page) };
}

/** What the server says about its own part. */
async function stages(server) {
  const { cameras } = await (await fetch(`${server.url}status`)).json();
  return cameras[0]?.pipeline_ms;
}

async function ages() {
  const rows = [];
  for (const camera of CAMERAS) {
    for (const way of WAYS) {
      tell(`${camera.size} at ${camera.fps} fps, ${way} …`);
      rows.push(
        await within(async (world) => {
          const server = await world.server();
          world.camera(server, camera);
          const { screens, ...rest } = await sample(world, server, `camera/default?play=${way}`, 1);
          return { ...camera, way, ...rest, ...screens[0], stages: await stages(server) };
        }),
      );
    }
  }
  return rows;
}

async function firsts() {
  const rows = [];
  for (const path of ["", ...WAYS.map((way) => `camera/default?play=${way}`)]) {
    tell(`first picture of /${path} …`);
    rows.push(
      await within(async (world) => {
        const server = await world.server();
        world.camera(server, CAMERAS[0]);
        const pictures = [];
        for (let load = 0; load <= LOADS; load++) {
          const page = await world.page({ init: firstPictures });
          await page.goto(server.url + path);
          await page.waitForFunction(() => globalThis.pictures.length >= 2, undefined, { timeout: PATIENCE });
          pictures.push(await page.evaluate(() => globalThis.pictures));
          await page.context().close();
        }
        // The first load warmed up the browser itself.
        return { path: `/${path}`, loads: pictures.slice(1) };
      }),
    );
  }
  return rows;
}

async function wall() {
  tell(`${TEN.count} cameras …`);
  return within(async (world) => {
    const server = await world.server();
    world.cameras(server, TEN.count, TEN);
    return { ...TEN, ...(await sample(world, server, "", TEN.count)) };
  });
}

const idle = cores();
await after(2000);
const before = { load: loadavg()[0], busy: busy(idle, cores()) };
const parts = { ages, firsts, wall };
const wanted = process.argv.slice(2);
const result = { before, seconds: SECONDS };
try {
  for (const [name, part] of Object.entries(parts)) {
    if (wanted.length === 0 || wanted.includes(name)) result[name] = await part();
  }
} finally {
  await closeBrowser();
}
process.stdout.write(`${JSON.stringify(result)}\n`);
