// Video and JPEGs are the same picture: its colours, and which way up it is.

import assert from "node:assert/strict";
import { COLOURS, difference, patchCamera, shown, snapshot } from "./support/patches.js";
import { PATIENCE, says, scene } from "./support/world.js";

const WAYS = { webcodecs: "canvas.screen", mse: "video.screen", jpeg: "canvas.screen" };
/** Of 255. */
const CLOSE = 2;

/** Waits until an element shows what the snapshot does, within so much of 255, and gives both. */
async function same(page, selector, is = () => true) {
  const end = Date.now() + PATIENCE;
  let off, video, jpeg;
  while (Date.now() < end) {
    [video, jpeg] = [await shown(page, selector), await snapshot(page)];
    off = difference(video, jpeg);
    if (off <= CLOSE && is(jpeg)) return { video, jpeg, off };
    await page.waitForTimeout(100);
  }
  assert.fail(`${selector} is ${off} of 255 off: ${JSON.stringify(video)}, not ${JSON.stringify(jpeg)}`);
}

for (const [way, element] of Object.entries(WAYS)) {
  scene(`${way} shows the colours of the snapshot`, async (world) => {
    const server = await world.server();
    await patchCamera(world, server);
    const page = await world.page();
    await page.goto(`${server.url}camera/default?play=${way}`);
    await says(page, "Live");
    const { video, jpeg, off } = await same(page, `.player ${element}`);
    console.log(`${way}: video and snapshot differ by ${off.toFixed(2)} of 255 at most`);
    // And both are what was painted, as far as JPEG keeps it.
    for (const picture of [video, jpeg]) {
      assert.ok(difference(picture, { width: 320, height: 240, colours: COLOURS }) <= 6, JSON.stringify(picture.colours));
    }
  });

  scene(`${way} shows a picture that EXIF or its owner turns as browsers show the snapshot`, async (world) => {
    const server = await world.server();
    const camera = await patchCamera(world, server);
    const page = await world.page();
    await page.goto(`${server.url}camera/default?play=${way}`);
    await says(page, "Live");
    const is = (width) => (jpeg) => jpeg.width === width;
    const seen = new Set();
    for (const number of [1, 2, 3, 4, 5, 6, 7, 8]) {
      await camera.orientation(number);
      const before = seen.size;
      const fresh = (jpeg) => is(number > 4 ? 240 : 320)(jpeg) && !seen.has(key(jpeg));
      const { jpeg } = await same(page, `.player ${element}`, fresh);
      seen.add(key(jpeg));
      assert.equal(seen.size, before + 1, `orientation ${number} looks like none before`);
    }
    // The owner turns it back: 8 is a quarter to the left.
    await page.locator(".turn select").selectOption("90");
    const { jpeg } = await same(page, `.player ${element}`, is(320));
    assert.ok(difference(jpeg, { width: 320, height: 240, colours: COLOURS }) <= 6, "it is as it was painted");
    await camera.orientation(0);
    const turned = (await same(page, `.player ${element}`, is(240))).jpeg;
    await page.locator(".turn input").check();
    await same(page, `.player ${element}`, (jpeg) => is(240)(jpeg) && key(jpeg) !== key(turned));
    const { cameras } = await (await fetch(`${server.url}status`)).json();
    assert.deepEqual([cameras[0].turn, cameras[0].mirrored, cameras[0].width, cameras[0].height], [90, true, 240, 320]);
  });
}

/** The colours of a picture in its corners: they tell which way up it is. */
function key({ width, colours }) {
  const across = width / 40;
  const corners = [0, across - 1, colours.length - across, colours.length - 1];
  return `${width} ${corners.map((patch) => colours[patch].map((value) => Math.round(value / 16))).join(" ")}`;
}
