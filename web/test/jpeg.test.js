// `/mjpeg`, and the pictures for other programs.

import assert from "node:assert/strict";
import { plays } from "./support/pixels.js";
import { freePort, says, scene, screenshot } from "./support/world.js";

scene("/mjpeg plays, misses its camera, and plays again", async (world) => {
  const server = await world.server();
  const page = await world.page({ colorScheme: "dark" });
  await page.goto(`${server.url}mjpeg`);
  await says(page, "No camera connected yet");
  const camera = world.camera(server, { fps: 20, size: "640x480" });
  await plays(page, "canvas.screen", { pictures: 20 });
  await says(page, "Live");
  await screenshot(page, "desktop-dark-mjpeg");
  await camera.end();
  await says(page, "Camera disconnected");
  world.camera(server, { size: "320x240" });
  await plays(page, "canvas.screen", { where: ({ width }) => width === 320 });
  await says(page, "Live");
  await page.goto(server.url);
  await plays(page, "canvas.screen", { where: ({ width }) => width === 320 });
});

scene("/mjpeg plays again by itself when the server was restarted", async (world) => {
  const port = await freePort();
  const server = await world.server({ port });
  const camera = world.camera(server);
  const page = await world.page({ expected: /WebSocket connection to .* failed|Failed to load resource/ });
  await page.goto(`${server.url}mjpeg`);
  await plays(page, "canvas.screen");
  await server.end();
  await says(page, "Reconnecting to the server…");
  await world.server({ port });
  await plays(page, "canvas.screen");
  await camera.end();
});

scene("an <img> of /stream.mjpg shows changing pictures", async (world) => {
  const server = await world.server();
  world.camera(server);
  const page = await world.page();
  await page.goto(`${server.url}status`);
  await page.evaluate(() => {
    const img = document.createElement("img");
    img.src = "/stream.mjpg";
    document.body.append(img);
  });
  await plays(page, "img", { pictures: 20 });
});

scene("the addresses for other programs answer", async (world) => {
  const server = await world.server();
  world.camera(server);
  const page = await world.page();
  await page.goto(server.url);
  await says(page, "Live");
  const links = await page.locator(".links a").evaluateAll((all) => all.map((link) => link.href));
  const answers = await page.evaluate(
    (links) =>
      Promise.all(
        links.map(async (link) => {
          const stop = new AbortController();
          const { status, headers } = await fetch(link, { signal: stop.signal });
          stop.abort();
          return `${new URL(link).pathname} ${status} ${headers.get("content-type").split(";")[0]}`;
        }),
      ),
    links,
  );
  assert.deepEqual(answers.sort(), [
    "/mjpeg 200 text/html",
    "/snapshot.jpg 200 image/jpeg",
    "/stream.mjpg 200 multipart/x-mixed-replace",
    "/stream.ts 200 video/mp2t",
  ]);
});
