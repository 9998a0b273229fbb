// The messages of `format=h264` and `format=jpeg`: a header, and the frame behind it.

const HEADER = 24;
const VERSION = 1;
const KEY = 1;

/** The header, times in seconds, `arrival` since the Unix epoch; undefined for one that this page does not know. */
export function header(buffer) {
  if (buffer.byteLength < HEADER) return undefined;
  const view = new DataView(buffer);
  const length = view.getUint16(2);
  if (view.getUint8(0) !== VERSION || length < HEADER || length > buffer.byteLength) return undefined;
  return {
    length,
    key: (view.getUint8(1) & KEY) !== 0,
    sequence: view.getUint32(4),
    pts: Number(view.getBigUint64(8)) / 1e6,
    arrival: Number(view.getBigUint64(16)) / 1e6,
    bytes: buffer.byteLength,
  };
}

/** The first sequence parameter set of H.264 in Annex B, its header included; undefined without one. */
export function spsOf(bytes) {
  // Start codes are 0 0 1; what begins with type 7 is an SPS (ISO/IEC 14496-10 table 7-1).
  const next = (from) => {
    for (let at = from; at + 3 <= bytes.length; at++) if (!bytes[at] && !bytes[at + 1] && bytes[at + 2] === 1) return at;
    return bytes.length;
  };
  for (let at = next(0) + 3; at < bytes.length; at = next(at) + 3) {
    if ((bytes[at] & 31) !== 7) continue;
    const sps = bytes.subarray(at, next(at));
    return sps.length >= 4 ? sps : undefined;
  }
  return undefined;
}

/** The codec with an SPS as RFC 6381 writes it ("avc1.42c01f"). */
export function codecOf(sps) {
  return codecName(sps.subarray(1, 4));
}

/** Of profile, constraint flags and level. */
export function codecName(three) {
  return "avc1." + Array.from(three, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
