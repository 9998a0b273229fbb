// A camera whose picture is coloured patches, and what of them is on the screen.

/** Patches in a row and in a column, and the side of each in pixels. */
const ACROSS = 8;
const DOWN = 6;
const SIDE = 40;

/** Red, green and blue of each patch, row by row: 24 greys from black to white, then colours from the edge of what there is inwards. */
export const COLOURS = Array.from({ length: ACROSS * DOWN }, (_, number) => {
  if (number < 24) return Array(3).fill(Math.round((number * 255) / 23));
  const [low, high] = [[0, 255], [16, 235], [64, 192]][Math.floor((number - 24) / 8)];
  return [4, 2, 1].map((bit) => (number & bit ? high : low));
});

/** Connects a camera that sends these patches ten times a second; `orientation()` gives the number in their EXIF from now on, 0 for no EXIF. */
export async function patchCamera(world, server) {
  const page = await world.page();
  await page.goto(`${server.url}status`);
  await page.evaluate(
    async ({ colours, across, down, side }) => {
      const canvas = new OffscreenCanvas(across * side, down * side);
      const context = canvas.getContext("2d");
      colours.forEach(([red, green, blue], number) => {
        context.fillStyle = `rgb(${red} ${green} ${blue})`;
        context.fillRect((number % across) * side, Math.floor(number / across) * side, side, side);
      });
      const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.98 });
      const plain = new Uint8Array(await blob.arrayBuffer());
      globalThis.orientation = 0;
      const send = () => {
        const number = globalThis.orientation;
        // SOI, then APP1 with a TIFF file whose only tag is the orientation.
        const exif = [0xff, 0xe1, 0, 34, ...[..."Exif\0\0MM\0*\0\0\0\b\0\x01"].map((letter) => letter.charCodeAt(0)), 1, 0x12, 0, 3, 0, 0, 0, 1, 0, number, 0, 0, 0, 0, 0, 0];
        return number ? new Blob([plain.subarray(0, 2), new Uint8Array(exif), plain.subarray(2)]) : blob;
      };
      const socket = new WebSocket(`ws://${location.host}/ws/camera`);
      await new Promise((resolve, reject) => Object.assign(socket, { onopen: resolve, onerror: reject }));
      setInterval(() => socket.readyState === WebSocket.OPEN && socket.send(send()), 100);
    },
    { colours: COLOURS, across: ACROSS, down: DOWN, side: SIDE },
  );
  return { orientation: (number) => page.evaluate((number) => (globalThis.orientation = number), number) };
}

/**
 * Runs in the page: the mean colour in the middle of each patch that an element shows, row by row as they are on the screen, with
 * the size of the picture; null while there is none.
 */
function readPatches({ selector, side }) {
  const element = document.querySelector(selector);
  const width = element?.videoWidth ?? element?.naturalWidth ?? element?.width;
  const height = element?.videoHeight ?? element?.naturalHeight ?? element?.height;
  if (!width || !height) return null;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(element, 0, 0);
  const colours = [];
  for (let y = 0; y + side <= height; y += side) {
    for (let x = 0; x + side <= width; x += side) {
      const { data } = context.getImageData(x + side / 4, y + side / 4, side / 2, side / 2);
      const sums = [0, 0, 0];
      for (let at = 0; at < data.length; at++) if (at % 4 < 3) sums[at % 4] += data[at];
      colours.push(sums.map((sum) => (sum * 4) / data.length));
    }
  }
  return { width, height, colours };
}

/** The patches that an element shows now; null while it shows none. */
export const shown = (page, selector) => page.evaluate(readPatches, { selector, side: SIDE });

/** The patches of the newest snapshot, as the browser shows it in an `<img>`. */
export async function snapshot(page) {
  await page.evaluate(async () => {
    document.querySelector("#snapshot")?.remove();
    const image = Object.assign(new Image(), { id: "snapshot", src: `/snapshot.jpg?${Math.random()}` });
    image.style.display = "none";
    document.body.append(image);
    await image.decode();
  });
  return shown(page, "#snapshot");
}

/** The largest difference of any colour of any patch, of 255; infinite for other sizes. */
export function difference(one, other) {
  if (!one || !other || one.width !== other.width || one.height !== other.height) return Infinity;
  return Math.max(...one.colours.flatMap((colour, patch) => colour.map((value, index) => Math.abs(value - other.colours[patch][index]))));
}
