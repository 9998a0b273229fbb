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

/** The codec of H.264 in Annex B as RFC 6381 writes it ("avc1.42c01f"), by its first SPS; undefined without one. */
export function codecOf(bytes) {
  // A start code, then the SPS: NAL type 7, profile, constraint flags, level.
  for (let at = 0; at + 7 <= bytes.length; at++) {
    if (bytes[at] || bytes[at + 1] || bytes[at + 2] !== 1 || (bytes[at + 3] & 31) !== 7) continue;
    return codecName(bytes.subarray(at + 4, at + 7));
  }
  return undefined;
}

/** Of profile, constraint flags and level. */
export function codecName(three) {
  return "avc1." + Array.from(three, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
