// The pages are small and quick to load, and stay so.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import test from "node:test";
import { gzipSync } from "node:zlib";

const web = new URL("..", import.meta.url);
const read = (name) => readFile(new URL(name, web));

test("all that browsers load is under 60 KB, packed as servers pack it", async () => {
  const files = (await readdir(web)).filter((name) => /\.(js|css|html|svg)$/.test(name));
  const sizes = await Promise.all(files.map(async (name) => gzipSync(await read(name)).length));
  const sum = sizes.reduce((sum, size) => sum + size, 0);
  assert.ok(files.length > 20 && sum < 60 * 1024, `${sum} bytes in ${files.length} files`);
});

for (const [page, entry] of [["index.html", "viewer.js"], ["mjpeg.html", "mjpeg.js"]]) {
  test(`${page} names every module that it will need, so that browsers ask for all at once`, async () => {
    const needed = new Set([entry]);
    for (const name of needed) {
      for (const [, other] of (await read(name)).toString().matchAll(/^(?:import|export) .*from "\.\/(.+?)";$/gm)) needed.add(other);
    }
    needed.delete(entry);
    const named = [...(await read(page)).toString().matchAll(/<link rel="modulepreload" href="\/assets\/(.+?)">/g)].map(([, name]) => name);
    assert.deepEqual(named, [...needed].sort());
  });
}
