// The pages are small, and stay so.

import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import test from "node:test";

test("all that browsers load is under 60 KB", async () => {
  const web = new URL("..", import.meta.url);
  const files = (await readdir(web)).filter((name) => /\.(js|css|html|svg)$/.test(name));
  const sizes = await Promise.all(files.map(async (name) => (await stat(new URL(name, web))).size));
  const sum = sizes.reduce((sum, size) => sum + size, 0);
  assert.ok(sum > 0 && sum < 60 * 1024, `${sum} bytes`);
});
