// Nothing serious for who uses a screen reader, a keyboard, or little contrast: axe-core looks at every state of the pages.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { HELLO, TELEMETRY, device } from "./support/device.js";
import { plays } from "./support/pixels.js";
import { says, scene, screenshot } from "./support/world.js";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SCREEN = ".player .screen";

/** What axe-core finds in a page that matters, as text. */
async function findings(page) {
  if (!(await page.evaluate(() => Boolean(globalThis.axe)))) await page.evaluate(AXE);
  const { violations, passes } = await page.evaluate(() => globalThis.axe.run());
  assert.ok(passes.some(({ id }) => id === "color-contrast"), "it looked at the contrast");
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target}: ${failureSummary}`));
}

for (const [kind, options] of [
  ["desktop-light", {}],
  ["desktop-dark", { colorScheme: "dark" }],
  ["phone-light", { phone: true }],
  ["phone-dark", { phone: true, colorScheme: "dark" }],
]) {
  scene(`no state of the pages is a barrier (${kind})`, async (world) => {
    const server = await world.server();
    const page = await world.page(options);
    const fine = async (state) => {
      assert.deepEqual(await findings(page), [], state);
      await screenshot(page, `${kind}-a11y-${state}`);
    };
    await page.goto(server.url);
    await says(page, "No camera connected yet");
    await page.getByRole("button", { name: "Start a virtual camera" }).waitFor();
    await fine("empty");

    const camera = await device(world, server, { messages: [HELLO, { ...TELEMETRY, rssi: -90, picture: { ...TELEMETRY.picture, reduced: 1 } }] });
    await says(page, "Live");
    await page.getByText(/WiFi signal is/).waitFor();
    for (const summary of await page.locator("summary:visible").all()) await summary.click();
    await page.getByRole("row", { name: /^Together/ }).waitFor();
    await fine("one");
    await page.getByRole("button", { name: "Rename" }).click();
    await fine("rename");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Record" }).click();
    await page.getByText(/^0:0[1-9] ·/).waitFor();
    await fine("recording");
    await page.getByRole("button", { name: "Stop and save" }).click();

    world.camera(server, { path: "/ws/camera/garden" });
    await page.keyboard.press("Escape");
    await page.locator('.tile[data-name="garden"] .open').waitFor();
    await plays(page, `.tile[data-name="garden"] ${SCREEN}`);
    await fine("wall");
    await camera.leave();
    await page.getByRole("button", { name: "Forget default" }).waitFor();
    await fine("gone");
    await page.locator('.tile[data-name="default"] .open').click();
    await says(page, "Camera disconnected");
    await fine("left");
  });
}
