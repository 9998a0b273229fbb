// As much of fragmented MP4 (ISO/IEC 14496-12 and -15) as a player needs to know.

/** Ticks a second of the server's time stamps. */
const TIMESCALE = 90_000;

/** Bytes of a box before its children. */
const HEADER = { stsd: 16, avc1: 86 };

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
  // Profile, constraint flags, level.
  return "avc1." + [9, 10, 11].map((at) => avcc.getUint8(at).toString(16).padStart(2, "0")).join("");
}

/** When a fragment is to be shown, in seconds; undefined when it does not tell. */
export function timeOf(buffer) {
  const tfdt = find(new DataView(buffer), ["moof", "traf", "tfdt"]);
  if (!tfdt || tfdt.byteLength < 16) return undefined;
  // Version 0 has 32 bits. As a Number, 64 bits are exact for the first 3000 years.
  return (tfdt.getUint8(8) === 1 ? Number(tfdt.getBigUint64(12)) : tfdt.getUint32(12)) / TIMESCALE;
}
