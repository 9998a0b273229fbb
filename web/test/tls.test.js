// The pages by TLS, with a certificate that the server made and its owner has accepted.

import assert from "node:assert/strict";
import { plays } from "./support/pixels.js";
import { says, scene, screenshot, toldNothing } from "./support/world.js";

const SCREEN = ".player .screen";
const HTTPS = /https:\/\/127\.0\.0\.1:(\d+)\//;

/** A server with TLS beside a port without, and a page that trusts it. */
async function secure(world, { args = [], url, ...options } = {}) {
  const server = await world.server({ url, args: ["--tls", "self-signed", "--tls-listen", "127.0.0.1:0", ...args] });
  const [its] = await server.line(HTTPS);
  const page = await world.page({ trusting: true, ...options });
  return { server, page, url: its };
}

for (const way of ["webcodecs", "mse", "jpeg"]) {
  scene(`video plays by TLS (${way})`, async (world) => {
    const { server, page, url } = await secure(world);
    world.camera(server);
    await page.goto(`${url}camera/default?play=${way}`);
    await plays(page, SCREEN);
    assert.equal(await page.evaluate(() => globalThis.isSecureContext), true);
  });
}

scene("a login by TLS is a cookie for TLS alone", async (world) => {
  const args = ["--trusted-proxies", "127.0.0.1", "--view-password", "correct horse", "--camera-key", "default=key"];
  const { server, page, url } = await secure(world, { args, expected: /the server responded with a status of 401/ });
  world.camera(server, { args: ["--key", "key"] });
  await page.setExtraHTTPHeaders({ "X-Forwarded-For": "192.168.1.7" });
  await page.goto(url);
  await page.getByLabel("Password").fill("correct horse");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.locator(SCREEN).waitFor();
  await plays(page, SCREEN);
  const [cookie] = await page.context().cookies();
  assert.deepEqual([cookie.name, cookie.secure, cookie.httpOnly, cookie.sameSite], ["__Host-lenscast_session", true, true, "Strict"]);
});

scene("the lines to type on a camera name the port without TLS", async (world) => {
  const { server, page, url } = await secure(world, { init: toldNothing });
  // As if this computer had that address.
  await page.route("https://192.168.1.5:8443/**", async (route) => {
    const { pathname } = new URL(route.request().url());
    await route.fulfill({ response: await route.fetch({ url: new URL(pathname, url).href }) });
  });
  await page.goto("https://192.168.1.5:8443/");
  await says(page, "No camera connected yet");
  const lines = await page.locator(".console code").allInnerTexts();
  assert.ok(lines.includes(`stream set host 192.168.1.5 ${server.port} save`), lines.join("\n"));
  await screenshot(page, "desktop-light-help-tls");
});

scene("a server that takes cameras with TLS only says so", async (world) => {
  const { page, url } = await secure(world, { args: ["--plain", "off"], url: HTTPS });
  await page.goto(url);
  await says(page, "No camera connected yet");
  await page.getByText("takes cameras with TLS only").waitFor();
  assert.equal(await page.locator(".console code").count(), 0);
});
