// What runs in the page under test: which picture is on the screen, and how old it is by the clock in it. Each function
// is put into the page as text, so it brings all it needs.

/**
 * Makes `globalThis.sampler`. Canvases are looked at in each animation frame, videos when they present a frame. The age
 * of a picture is the time of that callback less the time that its lower strip shows.
 */
export function watchPictures() {
  const CLOCK = 2 ** 24;
  const SLOTS = 64;
  const scratch = new OffscreenCanvas(32, 2 * SLOTS).getContext("2d", { willReadFrequently: true });
  scratch.imageSmoothingEnabled = false;
  const slots = new Map();
  let spent = 0;
  let looks = 0;
  let since = 0;
  let recording = false;

  /** A pixel of each cell of both strips: the nearest to its middle. See `readStrips` in ../support/pixels.js. */
  const draw = (element, top) => {
    const width = element.videoWidth || element.width;
    const height = element.videoHeight || element.height;
    const strip = Math.max(8, Math.floor(height / 16));
    scratch.drawImage(element, 0, height - 2 * strip, width, 2 * strip, 0, top, 32, 2);
  };

  /** The value of a strip in pixels of 4 bytes, or null when its checksum is wrong. */
  const value = (data, row) => {
    let word = 0;
    for (let cell = 0; cell < 32; cell++) word = word * 2 + (data[(row * 32 + cell) * 4 + 1] > 127 ? 1 : 0);
    const number = Math.floor(word / 256);
    let crc = 0;
    for (const shift of [16, 8, 0]) {
      crc ^= (number >> shift) & 0xff;
      for (let bit = 0; bit < 8; bit++) crc = crc & 0x80 ? ((crc << 1) ^ 0x07) & 0xff : crc << 1;
    }
    return word > 0 && crc === word % 256 ? number : null;
  };

  const look = (elements) => {
    if (elements.length === 0) return;
    const began = performance.now();
    const now = Date.now();
    elements.forEach((element, index) => draw(element, 2 * index));
    const { data } = scratch.getImageData(0, 0, 32, 2 * elements.length);
    elements.forEach((element, index) => {
      const slot = slots.get(element);
      const frame = value(data, 2 * index);
      const clock = value(data, 2 * index + 1);
      if (frame === null || clock === null || frame === slot.frame) return;
      slot.frame = frame;
      if (!recording) return;
      slot.frames.push(frame);
      slot.ages.push(((now - clock + CLOCK / 2) % CLOCK) - CLOCK / 2);
    });
    spent += performance.now() - began;
    looks += 1;
  };

  const shows = (element) =>
    (element.videoWidth ?? element.width) > 0 && element.checkVisibility({ visibilityProperty: true, opacityProperty: true });

  const slotOf = (element) => {
    if (slots.has(element) || slots.size === SLOTS) return;
    slots.set(element, { frame: null, frames: [], ages: [] });
    if (!element.requestVideoFrameCallback) return;
    const presented = () => {
      element.requestVideoFrameCallback(presented);
      if (shows(element)) look([element]);
    };
    element.requestVideoFrameCallback(presented);
  };

  const tick = () => {
    requestAnimationFrame(tick);
    const elements = [...document.querySelectorAll(".screen")].filter((element) => element.tagName !== "IMG" && shows(element));
    elements.forEach(slotOf);
    look(elements.filter((element) => !element.requestVideoFrameCallback));
  };
  requestAnimationFrame(tick);

  globalThis.sampler = {
    /** How many elements have shown a picture. */
    seen: () => [...slots.values()].filter(({ frame }) => frame !== null).length,
    begin() {
      [spent, looks, since, recording] = [0, 0, performance.now(), true];
    },
    end() {
      recording = false;
      const screens = [...slots.values()].filter(({ ages }) => ages.length > 0);
      return { screens, cost: spent / looks, share: spent / (performance.now() - since) };
    },
  };
}

/** Makes `globalThis.pictures`: when the first two different pictures were on the screen, in ms since the navigation began. */
export function firstPictures() {
  const scratch = new OffscreenCanvas(32, 1).getContext("2d", { willReadFrequently: true });
  scratch.imageSmoothingEnabled = false;
  globalThis.pictures = [];
  /** The cells of the frame's number as text; null when nothing is drawn. */
  const read = (element) => {
    const width = element.videoWidth ?? element.naturalWidth ?? element.width;
    const height = element.videoHeight ?? element.naturalHeight ?? element.height;
    if (!width || element.complete === false || element.readyState < 2) return null;
    const strip = Math.max(8, Math.floor(height / 16));
    scratch.clearRect(0, 0, 32, 1);
    scratch.drawImage(element, 0, height - Math.ceil(1.5 * strip), width, 1, 0, 0, 32, 1);
    const { data } = scratch.getImageData(0, 0, 32, 1);
    const cells = Array.from({ length: 32 }, (_, cell) => (data[4 * cell + 1] > 127 ? "1" : "0")).join("");
    return data[3] === 255 && cells.includes("1") ? cells : null;
  };
  let first = null;
  const look = () => {
    for (const element of document.querySelectorAll(".screen")) {
      if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
      const picture = read(element);
      if (picture === null || picture === first) continue;
      first = picture;
      globalThis.pictures.push({ at: performance.now(), element: element.tagName.toLowerCase() });
    }
    if (globalThis.pictures.length < 2) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
