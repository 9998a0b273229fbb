// The real server, virtual cameras and a real browser, for the tests. Everything ends with the test that asked for it.

import { spawn } from "node:child_process";
import { mkdtemp, mkdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import assert from "node:assert/strict";
import test, { after } from "node:test";
import { chromium } from "playwright-core";

/** Conditions are waited for this long. Nothing is ever waited for by time alone. */
export const PATIENCE = 30_000;

const BINARY = process.env.LENSCAST_BIN;
const BROWSER = process.env.CHROMIUM ?? "/usr/bin/chromium";
const SCREENSHOTS = process.env.SCREENSHOTS;
/** The settings of whoever runs the tests are not those of the tests. */
const ENVIRONMENT = { ...process.env, LENSCAST_CONFIG: "/dev/null" };

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Names of a home network, for pages that are not this computer's own to a browser.
  "--host-resolver-rules=MAP *.lan 127.0.0.1",
];

/** One for all pages of this process: to start one takes longer than most tests. */
let browser = null;
let closes = false;

/** Ends the browser. Tests have it done. */
export const closeBrowser = () => browser?.close();

/**
 * A test that plays in a world of its own. When its body is done, its pages must have logged no error, thrown nothing
 * and broken no content security policy.
 */
export function scene(name, body) {
  if (!closes) after(closeBrowser);
  closes = true;
  test(name, { timeout: 5 * PATIENCE }, async () => {
    assert.ok(BINARY, "LENSCAST_BIN must name the lenscast binary");
    const world = new World();
    try {
      await body(world);
      assert.deepEqual(world.faults, []);
    } finally {
      await world.end();
    }
  });
}

export class World {
  /** What went wrong in a page that no test asked for. */
  faults = [];
  #ends = [];

  /** Ends everything, the newest first. */
  async end() {
    for (const end of this.#ends.reverse()) await end();
  }

  /** Has something ended with the test. */
  atEnd(end) {
    this.#ends.push(end);
  }

  /** A new empty folder. */
  async folder() {
    const folder = await mkdtemp(join(tmpdir(), "lenscast-web-test-"));
    this.atEnd(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    return folder;
  }

  /** Starts a server, on a free port unless told otherwise, and reads the `url` that it prints. `args` are further options of `lenscast serve`. */
  async server({ port = 0, args = [], url = /http:\/\/127\.0\.0\.1:(\d+)\// } = {}) {
    // What a server keeps must not come from another one.
    const state = args.includes("--state-dir") ? [] : ["--state-dir", await this.folder()];
    const server = new Process(["serve", "--listen", `127.0.0.1:${port}`, ...state, ...args]);
    this.atEnd(() => server.end());
    const [opened, its] = await server.line(url);
    return Object.assign(server, { url: opened, port: Number(its) });
  }

  /** Starts a virtual camera, for a server or for the port of a slow link to it. `args` are further options of it. */
  camera({ port }, { fps = 15, size = "320x240", path = "", args = [] } = {}) {
    const target = `ws://127.0.0.1:${port}${path}`;
    const camera = new Process(["device", "--server", target, "--fps", `${fps}`, "--size", size, ...args]);
    this.atEnd(() => camera.end());
    return camera;
  }

  /** Starts so many virtual cameras, `cam-1` and on, each as `camera` has it. */
  cameras(server, count, options = {}) {
    const numbers = Array.from({ length: count }, (_, index) => index + 1);
    return numbers.map((number) => this.camera(server, { ...options, path: `/ws/camera/cam-${number}` }));
  }

  /**
   * Opens an empty page that shares nothing with others. `expected` matches the errors in the console that belong to the test;
   * `init` runs in the page before its own scripts; one that is `trusting` takes every certificate, and one with
   * `httpCredentials` (`{username, password}`) answers whoever asks for a password.
   */
  async page({ phone = false, colorScheme = "light", expected, init, trusting = false, httpCredentials } = {}) {
    if (!browser?.isConnected()) {
      browser = await chromium.launch({ executablePath: BROWSER, headless: true, args: FLAGS });
    }
    const context = await browser.newContext({
      viewport: phone ? { width: 390, height: 844 } : { width: 1280, height: 800 },
      colorScheme,
      ignoreHTTPSErrors: trusting,
      httpCredentials,
      hasTouch: phone,
      isMobile: phone,
      deviceScaleFactor: phone ? 2 : 1,
    });
    this.atEnd(() => context.close());
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    const { faults } = this;
    page.on("pageerror", (error) => faults.push(`uncaught: ${error.message}`));
    page.on("console", (message) => {
      const text = message.text();
      if (message.type() === "error" && !expected?.test(text)) faults.push(`${text} (${message.location().url})`);
    });
    await page.exposeFunction("reportViolation", (text) => faults.push(`content security policy: ${text}`));
    await page.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) =>
        globalThis.reportViolation(`${event.violatedDirective} ${event.blockedURI}`),
      );
    });
    if (init) await page.addInitScript(init);
    return page;
  }
}

/** Writes a screenshot when somebody wants them. */
export async function screenshot(page, name) {
  if (!SCREENSHOTS) return;
  await mkdir(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}

/** The text of the one place where the page says how things are, once it matches. */
export async function says(page, sentence) {
  const status = page.locator(".status", { hasText: sentence });
  await status.waitFor({ state: "visible", timeout: PATIENCE });
  return status.innerText();
}

/** In the page: the server tells that it has no camera, and that nobody here may change anything. */
export function toldNothing() {
  globalThis.EventSource = class extends EventTarget {
    constructor() {
      super();
      const told = { hello: { admin: false }, status: { uptime_s: 1, cameras: [] } };
      const tell = (name) => this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(told[name]) }));
      setTimeout(() => tell("hello"));
      setInterval(() => tell("status"), 100);
    }
    close() {}
  };
}

/** A port that was free a moment ago. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

class Process {
  #child;
  #output = "";
  #ended;

  constructor(args) {
    this.#child = spawn(BINARY, args, { stdio: ["ignore", "pipe", "pipe"], env: ENVIRONMENT });
    this.#child.stdout.on("data", (text) => (this.#output += text));
    this.#child.stderr.on("data", (text) => (this.#output += text));
    this.#ended = new Promise((resolve) => {
      this.#child.on("close", resolve);
      this.#child.on("error", (error) => resolve((this.#output += error)));
    });
  }

  /** Waits until the output matches. */
  line(pattern) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(this.#output);
        if (match) resolve(match);
        return match;
      };
      if (look()) return;
      this.#child.stdout.on("data", look);
      this.#ended.then(() => reject(new Error(`${this.#child.spawnargs.join(" ")} ended:\n${this.#output}`)));
    });
  }

  /** The token of the first link to watch that a server printed. */
  async link() {
    const [, token] = await this.line(/[?&]token=(lc_view_[\w-]+)/);
    return token;
  }

  /** Stops it where it is, as a camera that hangs, until `go`. */
  hang() {
    this.#child.kill("SIGSTOP");
  }

  go() {
    this.#child.kill("SIGCONT");
  }

  /** Ends it as a person does, by SIGTERM, and waits until it is gone. */
  async end() {
    this.go();
    this.#child.kill("SIGTERM");
    await this.#ended;
  }
}
