// A camera that was refused, as its owner is told on the page that waits for a first one.

import assert from "node:assert/strict";
import { request } from "node:http";
import { plays } from "./support/pixels.js";
import { says, scene, screenshot } from "./support/world.js";

/** A camera that knocks as a page of a stranger would; gives the code of the answer. */
function knock({ port }, path, headers = {}) {
  const handshake = {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, headers: { ...handshake, ...headers } });
    asked.on("response", ({ statusCode }) => resolve(statusCode));
    asked.on("upgrade", ({ statusCode }, socket) => (socket.destroy(), resolve(statusCode)));
    asked.on("error", reject);
    asked.end();
  });
}

scene("a camera that was refused is told of where its owner waits for it, and nowhere else", async (world) => {
  const server = await world.server({ args: ["--open-view"] });
  const owner = await world.page();
  await owner.goto(server.url);
  await says(owner, "No camera connected yet");
  // Under this name, this computer is one of many at home, which may only watch.
  const viewer = await world.page();
  await viewer.goto(`http://cam.lan:${server.port}/`);
  await says(viewer, "No camera connected yet");
  assert.equal(await knock(server, "/ws/camera/garden", { Origin: "http://evil.example" }), 403);
  const told = owner.getByRole("list", { name: "Cameras that were not let in" });
  await told.waitFor();
  const text = await told.innerText();
  assert.match(text, /A camera at 127\.0\.0\.1 was refused: .*\(Origin: http:\/\/evil\.example\)/);
  assert.match(text, /lenscast access new camera garden/);
  await screenshot(owner, "desktop-light-refused");
  assert.equal(await knock(server, "/ws/camera/%3Cb%3E", { Origin: "http://<i>evil" }), 403);
  await told.getByText("http://<i>evil", { exact: false }).waitFor();
  assert.equal(await told.locator("b, i").count(), 0, "what a stranger wrote is text");
  assert.equal(await viewer.getByRole("list", { name: "Cameras that were not let in" }).count(), 0);
  world.camera(server, { path: "/ws/camera/garden" });
  await plays(owner, ".player .screen");
  assert.equal(await told.count(), 0, "it stands where there is no camera");
});
