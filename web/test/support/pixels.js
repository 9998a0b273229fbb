// What is really on the screen: reads the test pattern's strips from decoded pixels.

import assert from "node:assert/strict";
import { PATIENCE } from "./world.js";

/** The strips hold 24 bits of the clock. */
const CLOCK = 2 ** 24;

/**
 * Runs in the page: the strips of an element's current picture as `{frame, clock, width, height}`, or null when there is
 * no readable picture. See crates/device/src/pattern.rs: two strips of 32 cells at the bottom, each max(8, h/16) high;
 * white is 1, most significant bit first, 24 bits and a CRC-8 (polynomial 0x07).
 */
function readStrips(selector) {
  const element = document.querySelector(selector);
  if (!element || element.hidden) return null;
  const width = element.videoWidth ?? element.naturalWidth ?? element.width;
  const height = element.videoHeight ?? element.naturalHeight ?? element.height;
  if (!width || !height) return null;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(element, 0, 0);
  const strip = Math.max(8, Math.floor(height / 16));
  const read = (top) => {
    const y = top + Math.floor(strip / 4);
    const rows = Math.max(1, Math.floor(strip / 2));
    const { data } = context.getImageData(0, y, width, rows);
    let bits = 0n;
    for (let cell = 0; cell < 32; cell++) {
      const left = Math.floor((cell * width) / 32);
      const right = Math.floor(((cell + 1) * width) / 32);
      const quarter = Math.floor((right - left) / 4);
      let sum = 0;
      let count = 0;
      for (let row = 0; row < rows; row++) {
        for (let x = left + quarter; x < right - quarter; x++, count++) sum += data[(row * width + x) * 4 + 1];
      }
      bits = (bits << 1n) | (sum / count > 127 ? 1n : 0n);
    }
    const word = Number(bits);
    if (word === 0) return null;
    const value = Math.floor(word / 256);
    let crc = 0;
    for (const shift of [16, 8, 0]) {
      crc ^= (value >> shift) & 0xff;
      for (let bit = 0; bit < 8; bit++) crc = crc & 0x80 ? ((crc << 1) ^ 0x07) & 0xff : crc << 1;
    }
    return crc === word % 256 ? value : null;
  };
  const frame = read(height - 2 * strip);
  const clock = read(height - strip);
  return frame === null || clock === null ? null : { frame, clock, width, height };
}

/** The strips that an element shows now, with the age of the picture in ms by its own clock; null when unreadable. */
export async function look(page, selector) {
  const strips = await page.evaluate(readStrips, selector);
  if (!strips) return null;
  let age = (Date.now() % CLOCK) - strips.clock;
  if (age < -CLOCK / 2) age += CLOCK;
  return { ...strips, age };
}

/**
 * Waits until `pictures` different pictures with rising frame numbers were seen in an element, all of them live: not
 * older than `maxAge` ms by the clock in the picture. Gives back the last.
 */
export async function plays(page, selector, { pictures = 8, maxAge = 2500, where = () => true } = {}) {
  const end = Date.now() + PATIENCE;
  let seen = [];
  let last = null;
  while (Date.now() < end) {
    last = (await look(page, selector)) ?? last;
    // One from the past, or a camera that counts anew: from the beginning.
    if (!last || last.age > maxAge || !where(last) || (seen.length && last.frame < seen.at(-1).frame)) seen = [];
    else if (last.frame !== seen.at(-1)?.frame) seen.push(last);
    if (seen.length >= pictures) {
      assert.ok(last.age > -1000, `the picture's clock is ${-last.age} ms ahead of ours`);
      return last;
    }
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
  const said = await page.locator(".status").allInnerTexts();
  assert.fail(`${selector} shows no ${pictures} live pictures; last ${JSON.stringify(last)}, the page says ${said}`);
}
