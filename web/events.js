// What the server tells about all cameras: one connection per page (server-sent events) that comes back by itself.

import { reloadWhenLoggedOut } from "./api.js";
import { now } from "./facts.js";

const FIRST_PAUSE = 500; // ms
const LONGEST_PAUSE = 5000;
/** The server tells every second. Milliseconds without a word after which it, or the network, is gone. */
const SILENCE = 8000;

export class Events {
  /** Whether this page may change something; null until told. */
  admin = null;
  /** The newest `/status`, null until told, and when it came. */
  status = null;
  at = 0;
  /** Cameras that the server refused lately; only who may change something is told. */
  refused = [];
  /** "connecting", "open" or "lost". */
  link = "connecting";
  #source = null;
  #pause = FIRST_PAUSE;
  #timer = 0;

  /** `changed()` is called whenever one of these changed. */
  constructor(url, changed) {
    this.url = url;
    this.changed = changed;
    // Browsers open six connections to a server, for all tabs together: a tab that nobody sees must not keep one.
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#close() : this.#open()));
    addEventListener("online", () => document.hidden || this.#open());
    if (!document.hidden) this.#open();
  }

  #open() {
    if (this.#source) return;
    const source = new EventSource(this.url);
    this.#source = source;
    this.#expect();
    const hear = (name, handle) =>
      source.addEventListener(name, ({ data }) => {
        this.#pause = FIRST_PAUSE;
        this.#expect();
        handle(JSON.parse(data));
        this.changed();
      });
    hear("hello", ({ admin }) => Object.assign(this, { admin, refused: [] }));
    hear("refused", (refused) => (this.refused = refused));
    hear("status", (status) => Object.assign(this, { status, at: now(), link: "open" }));
    source.onerror = () => this.#lost();
  }

  /** Waits for the next word. */
  #expect() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lost(), SILENCE);
  }

  #lost() {
    this.#close();
    // It may be that whoever is here may no longer watch, and then the page to log in comes.
    reloadWhenLoggedOut(new URL("me", new URL(this.url, location)));
    this.link = "lost";
    this.changed();
    // Not all pages at the same moment when a server comes back.
    this.#timer = setTimeout(() => document.hidden || this.#open(), this.#pause * (0.8 + Math.random() * 0.4));
    this.#pause = Math.min(this.#pause * 1.6, LONGEST_PAUSE);
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }
}
