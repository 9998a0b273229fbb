// MP4 made by hand.

/** An MP4 box. */
export function box(type, ...content) {
  const body = Buffer.concat(content.map((part) => Buffer.from(part)));
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + body.length);
  head.write(type, 4, "latin1");
  return Buffer.concat([head, body]);
}

export const buffer = (...parts) => new Uint8Array(Buffer.concat(parts)).buffer;

/** A fragment with one sample of NAL units, as the server makes it. */
export function fragment(ticks, ...units) {
  const time = Buffer.alloc(12);
  time[0] = 1;
  time.writeBigUInt64BE(BigInt(ticks), 4);
  const sizes = units.map((unit) => Buffer.from([0, 0, 0, unit.length]));
  const run = box("trun", [1, 0, 3, 5, 0, 0, 0, 1], Buffer.alloc(16));
  const data = units.flatMap((unit, index) => [sizes[index], unit]);
  return buffer(box("moof", box("mfhd", Buffer.alloc(8)), box("traf", box("tfhd", Buffer.alloc(8)), box("tfdt", time), run)), box("mdat", ...data));
}
