// A camera's device that speaks `lenscast.v1`, in a page of its own: browsers bring a WebSocket, Node.js before 22 does not.

import assert from "node:assert/strict";
import { PATIENCE } from "./world.js";

export const HELLO = {
  type: "hello",
  device_id: "24:58:7c:01:02:03",
  firmware: "0.1.0",
  board: "atoms3r-cam",
  sensor: "GC0308",
  reset_reason: "power on",
  max_width: 640,
  max_height: 480,
};

export const TELEMETRY = {
  type: "telemetry",
  uptime_ms: 11_000_000,
  rssi: -60,
  free_heap: 143_360,
  captured: 1000,
  sent: 1000,
  dropped: 0,
  camera_faults: 0,
  too_big: 0,
  connections: 1,
  picture: { width: 320, height: 240, quality: 80, fps: 15, reduced: 0 },
};

/** Connects a device that sends ten pictures a second and tells these messages. */
export async function device(world, server, { protocols = ["lenscast.v1"], messages = [HELLO, TELEMETRY] } = {}) {
  const page = await world.page();
  // Any document of the server that is not a page with a policy of its own.
  await page.goto(`${server.url}status`);
  await page.evaluate(
    async ({ protocols, messages }) => {
      const socket = new WebSocket(`ws://${location.host}/ws/camera`, protocols);
      globalThis.asked = [];
      globalThis.tell = (message) => socket.send(JSON.stringify(message));
      socket.onmessage = ({ data }) => globalThis.asked.push(JSON.parse(data));
      await new Promise((resolve, reject) => Object.assign(socket, { onopen: resolve, onerror: reject }));
      messages.forEach(globalThis.tell);
      const canvas = new OffscreenCanvas(320, 240);
      const context = canvas.getContext("2d");
      let count = 0;
      setInterval(async () => {
        context.fillStyle = `hsl(${(count * 3) % 360} 45% 45%)`;
        context.fillRect(0, 0, 320, 240);
        context.fillStyle = "#fff";
        context.font = "48px sans-serif";
        context.fillText(`${count++}`, 120, 135);
        const jpeg = await canvas.convertToBlob({ type: "image/jpeg" });
        if (socket.readyState === WebSocket.OPEN) socket.send(jpeg);
      }, 100);
      globalThis.leave = () => socket.close();
    },
    { protocols, messages },
  );
  return {
    tell: (message) => page.evaluate((message) => globalThis.tell(message), message),
    /** Waits until it was asked for so many pictures, and gives all of them back. */
    asked: async (count) => {
      await page.waitForFunction((count) => globalThis.asked.length >= count, count, { timeout: PATIENCE });
      const asked = await page.evaluate(() => globalThis.asked);
      assert.equal(asked.length, count);
      return asked;
    },
    leave: () => page.evaluate(() => globalThis.leave()),
  };
}
