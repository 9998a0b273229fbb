// Logging in: by link and by password, from a computer that is not the server's. A proxy in front is how the server is made to
// see one: it takes the address that the header tells.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { plays } from "./support/pixels.js";
import { scene, screenshot } from "./support/world.js";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SCREEN = ".player .screen";
const KEY = "camera-key";

/** A server with a viewer's and an owner's password, and a page on another computer of the home network. */
async function elsewhere(world, options = {}) {
  // The proxy does not say who the virtual cameras are: they need a key, too.
  const keys = ["default", "front", "back"].flatMap((name) => ["--camera-key", `${name}=${KEY}`]);
  const args = [...keys, "--trusted-proxies", "127.0.0.1", "--view-password", "correct horse", "--admin-password", "battery staple"];
  const server = await world.server({ args: [...args, ...(options.args ?? [])] });
  const page = await world.page({ expected: /the server responded with a status of (401|403)/, ...options });
  await page.setExtraHTTPHeaders({ "X-Forwarded-For": "192.168.1.7" });
  return { server, page };
}

/** Asks the server as its owner. */
async function admin(server, method, path, body) {
  const headers = { Authorization: `Basic ${btoa("admin:battery staple")}`, "Content-Type": "application/json" };
  const answer = await fetch(new URL(path, server.url), { method, headers, body: body && JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.status === 204 ? null : answer.json();
}

/** Opens a link, and waits until its token is out of the address. */
async function follow(page, server, { path }) {
  const link = new URL(path, server.url);
  await page.goto(link.href);
  link.searchParams.delete("token");
  await page.waitForURL(link.href);
}

async function logIn(page, name, password) {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
}

for (const [kind, options] of [
  ["desktop-light", {}],
  ["phone-dark", { phone: true, colorScheme: "dark" }],
]) {
  scene(`a password shows the picture, and a wrong one says so (${kind})`, async (world) => {
    const { server, page } = await elsewhere(world, options);
    world.camera(server, { args: ["--key", KEY] });
    const answer = await page.goto(server.url);
    assert.equal(answer.status(), 401);
    await page.getByRole("heading", { name: "Log in" }).waitFor();
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    assert.deepEqual(violations.filter(({ impact }) => impact === "serious" || impact === "critical"), []);
    await screenshot(page, `${kind}-login`);
    await logIn(page, "viewer", "correct hose");
    await page.getByText("not, or no longer, good").waitFor();
    await screenshot(page, `${kind}-login-wrong`);
    await logIn(page, "", "correct horse");
    await page.locator(SCREEN).first().waitFor({ state: "attached" });
    await plays(page, SCREEN);
    const cookie = (await page.context().cookies()).find(({ name }) => name === "lenscast_session");
    assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, "Strict"]);
    await page.getByText("log in as somebody who may").waitFor({ state: "attached" });
  });
}

scene("a link becomes a cookie and leaves the address, and when it is taken back the page is closed to its reader", async (world) => {
  const { server, page } = await elsewhere(world);
  world.camera(server, { args: ["--key", KEY] });
  const share = await admin(server, "POST", "/api/access/shares", { camera: "default", for_s: 600, label: "test" });
  await follow(page, server, share);
  await plays(page, SCREEN);
  await page.reload();
  await plays(page, SCREEN);
  await admin(server, "DELETE", `/api/access/${share.id}`);
  await page.getByRole("heading", { name: "Log in" }).waitFor();
});

scene("a link that is no good says so, and one that is pasted into the page lets in", async (world) => {
  const { server, page } = await elsewhere(world);
  world.camera(server, { args: ["--key", KEY] });
  await page.goto(`${server.url}?token=lc_view_${"A".repeat(43)}`);
  await page.getByText("This link is not, or no longer, good").waitFor();
  assert.equal(page.url(), server.url, "a bad token is nothing to keep");
  const share = await admin(server, "POST", "/api/access/shares", { camera: null, for_s: 600, label: "" });
  await page.getByLabel("Link or token").fill(` https://cam.example${share.path} `);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.locator(SCREEN).first().waitFor({ state: "attached" });
  await plays(page, SCREEN);
});

scene("who may watch one camera is told so at another", async (world) => {
  const { server, page } = await elsewhere(world);
  world.camera(server, { path: "/ws/camera/front", args: ["--key", KEY] });
  world.camera(server, { path: "/ws/camera/back", args: ["--key", KEY] });
  const share = await admin(server, "POST", "/api/access/shares", { camera: "front", for_s: 600, label: "" });
  await follow(page, server, share);
  await plays(page, SCREEN);
  const answer = await page.goto(new URL("/camera/back", server.url).href);
  assert.equal(answer.status(), 403);
  await page.getByText("which does not allow to see this").waitFor();
  await screenshot(page, "login-other");
  await page.goto(server.url);
  await plays(page, SCREEN);
  assert.equal(await page.getByText("back").count(), 0, "and does not hear of it");
});
