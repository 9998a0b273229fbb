// What a device tells stands on its camera's page, and the page can ask it for another picture.

import assert from "node:assert/strict";
import test from "node:test";
import { isAsAsked, sizeName } from "../device.js";
import { STRINGS } from "../strings.js";
import { HELLO, TELEMETRY, device } from "./support/device.js";
import { says, scene, screenshot } from "./support/world.js";

/** The values of the form. */
const form = (page) =>
  page.evaluate(() => Object.fromEntries(["size", "quality", "fps"].map((name) => [name, document.querySelector(".device form").elements[name].value])));

for (const [kind, options] of [
  ["desktop-light", {}],
  ["desktop-dark", { colorScheme: "dark" }],
  ["phone-light", { phone: true }],
  ["phone-dark", { phone: true, colorScheme: "dark" }],
]) {
  scene(`the page says what is wrong with a device, and what it is (${kind})`, async (world) => {
    const server = await world.server();
    const reduced = { ...TELEMETRY.picture, quality: 60, fps: 7.5, reduced: 2 };
    const messages = [
      { ...HELLO, reset_reason: "brown-out" },
      { ...TELEMETRY, rssi: -82, picture: reduced },
    ];
    const camera = await device(world, server, { messages });
    const page = await world.page(options);
    await page.goto(server.url);
    await page.getByText(/WiFi signal is weak \(−82 dBm/).waitFor();
    await says(page, "Live");
    const codes = await page.locator(".diagnosis li").evaluateAll((all) => all.map(({ dataset }) => [dataset.code, dataset.level]));
    assert.deepEqual(codes, [["brown_out", "error"], ["weak_wifi", "warning"], ["slow_network", "warning"]]);
    const facts = await page.locator(".device dl").innerText();
    for (const fact of ["weak (−82 dBm)", "320 × 240, quality 60, up to 7.5 fps", "3 h", "brown-out", "0.1.0 · atoms3r-cam · GC0308"]) {
      assert.ok(facts.includes(fact), `${fact} is missing in ${facts}`);
    }
    const content = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(content <= page.viewportSize().width, `${content}`);
    await screenshot(page, `${kind}-device`);
    await page.locator(".device").scrollIntoViewIfNeeded();
    await screenshot(page, `${kind}-device-form`);
    // What is mended is not said any more, and who leaves takes it all away.
    for (let count = 0; count < 3; count++) await camera.tell(TELEMETRY);
    await page.getByText("very good (−60 dBm)").waitFor();
    assert.deepEqual(await page.locator(".diagnosis li").evaluateAll((all) => all.map(({ dataset }) => dataset.code)), ["brown_out"]);
    await camera.leave();
    await page.locator(".device").waitFor({ state: "hidden" });
    assert.equal(await page.locator(".diagnosis li").count(), 0);
  });
}

scene("the form asks the device for what was touched, and follows what it does", async (world) => {
  const server = await world.server();
  const camera = await device(world, server);
  const page = await world.page();
  await page.goto(server.url);
  const button = page.getByRole("button", { name: "Change" });
  await page.getByText("320 × 240, quality 80").waitFor();
  assert.deepEqual(await form(page), { size: "qvga", quality: "80", fps: "15" });
  assert.equal(await button.isDisabled(), true, "nothing is touched");
  assert.deepEqual(await page.locator(".device option").allInnerTexts(), ["QQVGA (160 × 120)", "QVGA (320 × 240)", "VGA (640 × 480)"]);

  await page.getByLabel("Size").selectOption("vga");
  await page.getByLabel("JPEG quality").fill("55");
  // What the device tells meanwhile does not undo what a person does.
  await camera.tell({ ...TELEMETRY, picture: { ...TELEMETRY.picture, quality: 70, fps: 12 } });
  await page.getByText("quality 70, up to 12 fps").waitFor();
  assert.deepEqual(await form(page), { size: "vga", quality: "55", fps: "12" });
  await button.click();
  assert.deepEqual(await camera.asked(1), [{ type: "picture", size: "vga", quality: 55 }]);
  await page.getByText("The camera was asked").waitFor();
  await screenshot(page, "desktop-light-device-asked");
  await camera.tell({ ...TELEMETRY, picture: { width: 640, height: 480, quality: 55, fps: 12, reduced: 0 } });
  await page.getByText("Changed, until the camera starts again.").waitFor();

  await page.getByLabel("Pictures a second").fill("0.5");
  await button.click();
  assert.deepEqual((await camera.asked(2))[1], { type: "picture", fps: 0.5 });
  // It does something else.
  await camera.tell({ ...TELEMETRY, picture: { width: 640, height: 480, quality: 55, fps: 1, reduced: 0 } });
  await page.getByText("The camera did not take all of it").waitFor();
  assert.deepEqual(await form(page), { size: "vga", quality: "55", fps: "1" });
});

scene("who may not change the picture is told so", async (world) => {
  const server = await world.server();
  await device(world, server);
  const page = await world.page({ expected: /status of 403/ });
  // As if another site had asked: the real server's answer.
  await page.route("**/api/cameras/default", async (route) => {
    const headers = { ...route.request().headers(), origin: "http://evil.example" };
    await route.fulfill({ response: await route.fetch({ headers }) });
  });
  await page.goto(server.url);
  await page.getByLabel("Size").selectOption("qqvga");
  await page.getByRole("button", { name: "Change" }).click();
  await page.getByText("A page of another origin may not do this.").waitFor();
  assert.equal(await page.getByRole("button", { name: "Change" }).isDisabled(), true);
  assert.equal(await page.getByLabel("Size").isDisabled(), true);
  // Where the server would refuse everybody, there is no form at all.
  const forms = await page.evaluate(async () => {
    const { Device } = await import("/assets/device.js");
    const { cameras } = await (await fetch("/status")).json();
    const device = new Device({ change: "/api/cameras/default" });
    device.show(cameras[0].device, false);
    return device.panel.querySelectorAll("form").length;
  });
  assert.equal(forms, 0);
});

scene("a camera that tells nothing has no such panel", async (world) => {
  const server = await world.server();
  await device(world, server, { protocols: [], messages: [HELLO, TELEMETRY] });
  const page = await world.page();
  await page.goto(server.url);
  await says(page, "Live");
  // What the page was told is on it.
  await page.getByRole("heading", { name: "The last 10 minutes" }).waitFor();
  const { cameras } = await (await fetch(`${server.url}status`)).json();
  assert.deepEqual(cameras.map(({ name, connected, device }) => [name, connected, device]), [["default", true, null]]);
  assert.equal(await page.locator(".device").isVisible(), false);
  assert.equal(await page.locator(".diagnosis li").count(), 0);
});

test("a picture is as asked when all that was asked is so", () => {
  const picture = { width: 640, height: 480, quality: 60, fps: 7.5, reduced: 0 };
  for (const asked of [{}, { size: "vga" }, { quality: 60 }, { fps: 7.5 }, { size: "vga", quality: 60, fps: 7.501 }]) {
    assert.equal(isAsAsked(picture, asked), true, JSON.stringify(asked));
  }
  for (const asked of [{ size: "qvga" }, { quality: 61 }, { fps: 8 }, { size: "vga", quality: 60, fps: 8 }]) {
    assert.equal(isAsAsked(picture, asked), false, JSON.stringify(asked));
  }
  assert.deepEqual([sizeName({ width: 1600, height: 1200 }), sizeName({ width: 641, height: 480 })], ["uxga", ""]);
});

test("a signal is said in words and in dBm", () => {
  const said = [-50, -60, -61, -67, -68, -75, -76, -85, -86, 0].map(STRINGS.signalOf);
  assert.deepEqual(said, [
    "very good (−50 dBm)",
    "very good (−60 dBm)",
    "good (−61 dBm)",
    "good (−67 dBm)",
    "fair (−68 dBm)",
    "fair (−75 dBm)",
    "weak (−76 dBm)",
    "weak (−85 dBm)",
    "very weak (−86 dBm)",
    "very good (0 dBm)",
  ]);
});
