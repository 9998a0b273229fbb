// As much of MP4 (ISO/IEC 14496-12 and -15) as is needed to play fragments, and to make a file of them.

import { codecName } from "./frame.js";

/** Ticks a second of the server's time stamps. */
export const TIMESCALE = 90_000;

/** Bytes of a box before its children. */
const HEADER = { stsd: 16, avc1: 86 };

/** The type of a NAL unit of a key frame (H.264 table 7-1). */
const IDR = 5;

/** Where the duration of a box of version 0 and 1 is. */
const DURATION = { mvhd: [24, 32], mdhd: [24, 32], tkhd: [28, 36] };

/** The first box on `path`, its header included; undefined when there is none. */
function find(view, path, from = 0) {
  const [wanted, ...below] = path;
  for (let at = from; at + 8 <= view.byteLength; ) {
    const size = view.getUint32(at);
    // 0 (to the end) and 1 (64 bits) are not what this server sends.
    if (size < 8 || at + size > view.byteLength) return undefined;
    if (typeAt(view, at) === wanted) {
      const box = new DataView(view.buffer, view.byteOffset + at, size);
      return below.length ? find(box, below, HEADER[wanted] ?? 8) : box;
    }
    at += size;
  }
  return undefined;
}

function typeAt(view, at) {
  return String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at + 4, 4));
}

/** Whether this is an init segment rather than a fragment. */
export function isInit(buffer) {
  return buffer.byteLength >= 8 && typeAt(new DataView(buffer), 0) === "ftyp";
}

/** The codec of an init segment as RFC 6381 writes it ("avc1.42c01f"); undefined when it tells none. */
export function codecOf(buffer) {
  const avcc = find(new DataView(buffer), ["moov", "trak", "mdia", "minf", "stbl", "stsd", "avc1", "avcC"]);
  if (!avcc || avcc.byteLength < 12) return undefined;
  return codecName([9, 10, 11].map((at) => avcc.getUint8(at)));
}

/** When a fragment is to be shown, in seconds; undefined when it does not tell. */
export function timeOf(buffer) {
  const ticks = ticksOf(new DataView(buffer));
  return ticks === undefined ? undefined : ticks / TIMESCALE;
}

/** The sample of a fragment: its time in ticks, its bytes, whether it is a key frame; undefined when there is none. */
export function sampleOf(buffer) {
  const view = new DataView(buffer);
  const ticks = ticksOf(view);
  const trun = find(view, ["moof", "traf", "trun"]);
  const mdat = find(view, ["mdat"]);
  // The server's fragments have one sample each.
  if (ticks === undefined || !mdat || !trun || trun.byteLength < 16 || trun.getUint32(12) !== 1) return undefined;
  const data = bytesOf(mdat).subarray(8);
  return { ticks, key: isKey(data), data };
}

/**
 * A plain MP4 file, which every program plays, as parts of a Blob: of an init segment and its samples, each shown until
 * the next comes, the last as long as the one before it. The first must be a key frame.
 */
export function file(init, samples) {
  const durations = samples.slice(1).map(({ ticks }, before) => ticks - samples[before].ticks);
  durations.push(durations.at(-1) ?? TIMESCALE / 10);
  const duration = durations.reduce((sum, ticks) => sum + ticks, 0);
  const size = samples.reduce((sum, { data }) => sum + data.length, 0);
  const keys = samples.flatMap(({ key }, index) => (key ? [index + 1] : []));
  const moov = (dataAt) => {
    const tables = [
      fullBox("stts", durations.length, ...durations.flatMap((ticks) => [1, ticks])),
      fullBox("stss", keys.length, ...keys),
      fullBox("stsc", 1, 1, samples.length, 1),
      fullBox("stsz", 0, samples.length, ...samples.map(({ data }) => data.length)),
      fullBox("stco", 1, dataAt),
    ];
    return rewrite(find(new DataView(init), ["moov"]), duration, tables);
  };
  const ftyp = box("ftyp", [new TextEncoder().encode("isom"), words(512), new TextEncoder().encode("isommp41avc1")]);
  const head = words(8 + size, 0);
  head.set(new TextEncoder().encode("mdat"), 4);
  // How long the moov is does not depend on where the samples begin.
  const dataAt = ftyp.length + moov(0).length + head.length;
  return [ftyp, moov(dataAt), head, ...samples.map(({ data }) => data)];
}

function ticksOf(view) {
  const tfdt = find(view, ["moof", "traf", "tfdt"]);
  if (!tfdt || tfdt.byteLength < 16) return undefined;
  // Version 0 has 32 bits. As a Number, 64 bits are exact for the first 3000 years.
  return tfdt.getUint8(8) === 1 ? Number(tfdt.getBigUint64(12)) : tfdt.getUint32(12);
}

/** Whether a sample, NAL units with their lengths before them, is a key frame. */
function isKey(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  for (let at = 0; at + 5 <= data.length; at += 4 + view.getUint32(at)) if ((data[at + 4] & 31) === IDR) return true;
  return false;
}

/** A copy of a box of an init segment, for a file without fragments: with this duration and these tables of samples. */
function rewrite(view, duration, tables) {
  const type = typeAt(view, 0);
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
  if (DURATION[type]) {
    const long = bytes[8] === 1;
    new DataView(bytes.buffer).setUint32(DURATION[type][long ? 1 : 0] + (long ? 4 : 0), duration);
  }
  if (type === "stbl") return box(type, [bytesOf(find(view, ["stsd"], 8)), ...tables]);
  if (!["moov", "trak", "mdia", "minf"].includes(type)) return bytes;
  const children = [];
  for (let at = 8; at < view.byteLength; ) {
    const child = new DataView(view.buffer, view.byteOffset + at, view.getUint32(at));
    if (typeAt(child, 0) !== "mvex") children.push(rewrite(child, duration, tables));
    at += child.byteLength;
  }
  return box(type, children);
}

function bytesOf(view) {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** A box of these parts. */
function box(type, parts) {
  const size = parts.reduce((sum, part) => sum + part.length, 8);
  const bytes = new Uint8Array(size);
  bytes.set(words(size));
  bytes.set(new TextEncoder().encode(type), 4);
  let at = 8;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A box of version 0 without flags, then 32-bit numbers. */
function fullBox(type, ...numbers) {
  return box(type, [words(0, ...numbers)]);
}

/** 32-bit numbers, big-endian. */
function words(...numbers) {
  const bytes = new Uint8Array(numbers.length * 4);
  const view = new DataView(bytes.buffer);
  numbers.forEach((number, index) => view.setUint32(index * 4, number));
  return bytes;
}
