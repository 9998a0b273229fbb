// What passes between server and player: fragments of MP4, frames with a header; and the files made of them.

import assert from "node:assert/strict";
import test from "node:test";
import { codecOf as codecOfSps, header, spsOf } from "../frame.js";
import { codecOf, file, isInit, sampleOf, timeOf } from "../mp4.js";
import { box, buffer, fragment } from "./support/boxes.js";

test("the codec is read from the init segment", () => {
  const avcc = box("avcC", [1, 0x42, 0xc0, 0x0a, 0xff, 0xe1]);
  const stsd = box("stsd", Buffer.alloc(8), box("avc1", Buffer.alloc(78), box("colr", "nclx"), avcc));
  const init = buffer(
    box("ftyp", "iso5"),
    box("moov", box("mvhd", Buffer.alloc(100)), box("trak", box("mdia", box("minf", box("stbl", stsd))))),
  );
  assert.equal(isInit(init), true);
  assert.equal(codecOf(init), "avc1.42c00a");
});

test("the time of a fragment is read, beyond 33 and beyond 53 bits of trouble", () => {
  const fragment = (tfdt) => buffer(box("moof", box("mfhd", Buffer.alloc(8)), box("traf", box("tfhd", Buffer.alloc(8)), tfdt)), box("mdat", "x"));
  const long = (ticks) => {
    const bytes = Buffer.alloc(12);
    bytes[0] = 1;
    bytes.writeBigUInt64BE(ticks, 4);
    return box("tfdt", bytes);
  };
  assert.equal(isInit(fragment(long(0n))), false);
  assert.equal(timeOf(fragment(long(45_000n))), 0.5);
  assert.equal(timeOf(fragment(long(2n ** 33n))), 2 ** 33 / 90_000);
  assert.equal(timeOf(fragment(box("tfdt", [0, 0, 0, 0, 0, 1, 0x5f, 0x90]))), 1);
});

test("what is no MP4 is refused", () => {
  for (const bytes of [[], [0, 0, 0, 9], [0, 0, 0, 0, 109, 111, 111, 102], [0, 0, 1, 0, 109, 111, 111, 102, 0]]) {
    const data = new Uint8Array(bytes).buffer;
    assert.deepEqual([isInit(data), codecOf(data), timeOf(data)], [false, undefined, undefined]);
  }
});

test("the header before a frame is read, a longer one of a later version of it too", () => {
  const bytes = Buffer.alloc(40);
  bytes.writeUInt8(1, 0);
  bytes.writeUInt8(1, 1);
  bytes.writeUInt16BE(32, 2);
  bytes.writeUInt32BE(7, 4);
  bytes.writeBigUInt64BE(1_500_000n, 8);
  bytes.writeBigUInt64BE(1_700_000_000_250_000n, 16);
  const expected = { length: 32, key: true, sequence: 7, pts: 1.5, arrival: 1_700_000_000.25, bytes: 40 };
  assert.deepEqual(header(buffer(bytes)), expected);
  // The second flag tells of lost frames.
  bytes.writeUInt8(2, 1);
  assert.deepEqual(header(buffer(bytes)), { ...expected, key: false });
  assert.equal(header(buffer(bytes.subarray(0, 23))), undefined);
  assert.equal(header(buffer(bytes.subarray(0, 31))), undefined);
  bytes.writeUInt8(2, 0);
  assert.equal(header(buffer(bytes)), undefined);
});

test("the first SPS of Annex B is found behind start codes of either length, and tells the codec", () => {
  const sps = [0x67, 0x42, 0xc0, 0x0a, 0xff];
  const before = [0, 0, 0, 1, 0x09, 0xf0, 0, 0, 0, 1];
  for (const bytes of [[...before, ...sps, 0, 0, 1, 0x68, 1, 0, 0, 1, 0x67, 1, 1, 1], [0, 0, 1, ...sps]]) {
    const found = spsOf(Uint8Array.from(bytes));
    assert.deepEqual([...found], sps);
    assert.equal(codecOfSps(found), "avc1.42c00a");
  }
  for (const bytes of [[], [0, 0, 1], [0, 0, 1, ...sps.slice(0, 3)], [0, 0, 1, 0x65, 0x42, 0xc0, 0x0a], [0, 1, ...sps]]) {
    assert.equal(spsOf(Uint8Array.from(bytes)), undefined);
  }
});

test("a fragment's sample is found, and whether it is a key frame, behind other units too", () => {
  const { ticks, key, data } = sampleOf(fragment(2 ** 33 + 5, [6, 1, 2], [0x65, 9]));
  assert.deepEqual([ticks, key, [...data]], [2 ** 33 + 5, true, [0, 0, 0, 3, 6, 1, 2, 0, 0, 0, 2, 0x65, 9]]);
  assert.equal(sampleOf(fragment(1, [0x61, 5])).key, false);
  for (const bytes of [new ArrayBuffer(0), buffer(box("moof")), buffer(box("mdat", "x"))]) assert.equal(sampleOf(bytes), undefined);
});

/** What is in a box, by paths such as "moov/trak", each with its bytes. */
function boxes(bytes, path = "") {
  const found = {};
  for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at)) {
    const name = `${path}${bytes.toString("latin1", at + 4, at + 8)}`;
    const body = bytes.subarray(at + 8, at + bytes.readUInt32BE(at));
    found[name] = body;
    if (/^moov(\/trak(\/mdia(\/minf(\/stbl)?)?)?)?$/.test(name)) Object.assign(found, boxes(body, `${name}/`));
  }
  return found;
}

test("a file of samples has their times, sizes and key frames, and nothing of fragments", async () => {
  const stbl = box("stbl", box("stsd", "what it is"), box("stts", Buffer.alloc(8)), box("stco", Buffer.alloc(8)));
  const track = box("trak", box("tkhd", [1], Buffer.alloc(95)), box("mdia", box("mdhd", Buffer.alloc(24)), box("minf", stbl)));
  const init = buffer(box("ftyp", "iso5"), box("moov", box("mvhd", [1], Buffer.alloc(111)), track, box("mvex", "x")));
  const sample = (ticks, key, ...data) => ({ ticks, key, data: Uint8Array.from(data) });
  const samples = [sample(2 ** 34, true, 1, 1), sample(2 ** 34 + 6000, false, 2), sample(2 ** 34 + 15_000, true, 3, 3, 3)];
  const bytes = Buffer.from(await new Blob(file(init, samples)).arrayBuffer());
  const found = boxes(bytes);
  const numbers = (name) => {
    const body = found[name];
    return Array.from({ length: body.length / 4 - 1 }, (_, index) => body.readUInt32BE(4 * index + 4));
  };
  const at = "moov/trak/mdia/minf/stbl";
  assert.deepEqual(Object.keys(found).filter((name) => name.startsWith(at)), [at, ...["stsd", "stts", "stss", "stsc", "stsz", "stco"].map((name) => `${at}/${name}`)]);
  assert.deepEqual(Object.keys(found).filter((name) => !name.includes("/")), ["ftyp", "moov", "mdat"]);
  assert.equal(found["moov/mvex"], undefined);
  assert.equal(found[`${at}/stsd`].toString(), "what it is");
  // The last lasts as long as the one before.
  assert.deepEqual(numbers(`${at}/stts`), [3, 1, 6000, 1, 9000, 1, 9000]);
  assert.deepEqual(numbers(`${at}/stss`), [2, 1, 3]);
  assert.deepEqual(numbers(`${at}/stsc`), [1, 1, 3, 1]);
  assert.deepEqual(numbers(`${at}/stsz`), [0, 3, 2, 1, 3]);
  const [, dataAt] = numbers(`${at}/stco`);
  assert.deepEqual([...bytes.subarray(dataAt)], [1, 1, 2, 3, 3, 3]);
  assert.deepEqual([...found.mdat], [1, 1, 2, 3, 3, 3]);
  // Version 1 has 64 bits for times, version 0 has 32.
  assert.equal(found["moov/mvhd"].readBigUInt64BE(24), 24_000n);
  assert.equal(found["moov/trak/tkhd"].readBigUInt64BE(28), 24_000n);
  assert.equal(found["moov/trak/mdia/mdhd"].readUInt32BE(16), 24_000);
});
