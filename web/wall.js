// All cameras that the server knows, or the one that the page's address names. One of them may be large.

import { addresses, places } from "./addresses.js";
import { ask } from "./api.js";
import { make, say } from "./dom.js";
import { Events } from "./events.js";
import { now } from "./facts.js";
import { Heading } from "./heading.js";
import { arrange } from "./layout.js";
import { known } from "./page.js";
import { help, helpAnother } from "./panels.js";
import { STRINGS as S } from "./strings.js";
import { Tile } from "./tile.js";

/** Milliseconds between two looks at the facts. */
const INTERVAL = 250;

/** Shows the page; `way` is how cameras are played, unless the address says `?play=`. */
export function start(way) {
  new Wall(new URLSearchParams(location.search).get("play") ?? way);
}

class Wall {
  places = places(location);
  way;
  #tiles = new Map();
  #large = null;
  #uptime = 0;
  /** Cameras that were here before the server was restarted, which knows nothing of them yet. */
  #missed = new Set();
  #main = make("main");
  #list = make("ul", { class: "wall", "aria-label": S.wall });
  #said = make("p", { class: "offscreen", role: "status" });
  #heading = new Heading(this.places, () => this.#back());
  #empty;
  #another;
  #sight;
  #events;

  constructor(way) {
    this.way = way in S.ways ? way : "auto";
    this.#main.append(this.#said, this.#list);
    document.body.append(this.#heading.element, this.#main);
    this.#sight = new IntersectionObserver((entries) => this.#see(entries), { rootMargin: "10%" });
    new ResizeObserver(() => this.#lay()).observe(this.#main);
    if (this.places.only) this.#add(this.places.only);
    else {
      const where = addresses(location, "default");
      this.#empty = new Empty(this, help(where));
      this.#another = helpAnother(where);
    }
    this.#events = new Events(this.places.events, () => this.#told());
    addEventListener("popstate", () => this.#return());
    addEventListener("resize", () => this.#lay());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !document.fullscreenElement && !event.defaultPrevented) this.#back();
    });
    this.#choose();
    setInterval(() => this.#tick(), INTERVAL);
  }

  get admin() {
    return this.#events?.admin ?? false;
  }

  /** Whether the server is away. */
  get lost() {
    return this.#events?.link === "lost";
  }

  get renaming() {
    return this.#heading.renaming;
  }

  /** Shows one large, so that the way back of the browser leads here. */
  enlarge(tile) {
    history.pushState({ enlarged: true }, "", `#${tile.name}`);
    this.#choose();
    this.#heading.focus();
  }

  /** Plays all in another way, and says so in the address: a reload keeps it. */
  setWay(way) {
    this.way = way;
    const url = new URL(location);
    url.searchParams.set("play", way);
    history.replaceState(history.state, "", url);
    for (const tile of this.#tiles.values()) tile.replay();
  }

  async forget(tile) {
    const { status, sentence } = await ask("DELETE", tile.where.change);
    // A server that was restarted since has forgotten it already.
    if (sentence && status !== 404) return this.#say(sentence);
    this.#missed.delete(tile.name);
    if (!this.places.only) this.#remove(tile);
    this.#choose();
  }

  /** A tile has begun or ceased to be live. */
  changedKind(tile) {
    // What is large says so itself.
    if (this.#large) return;
    const connected = tile.goneFor() === null;
    if (tile.connected !== undefined && tile.connected !== connected) {
      this.#say(connected ? S.appeared(tile.title) : S.vanished(tile.title));
    }
    tile.connected = connected;
  }

  #tick() {
    const large = this.#large;
    for (const tile of this.#tiles.values()) tile.tick(large !== null && tile !== large);
    this.#head();
  }

  #head() {
    const tiles = [...this.#tiles.values()];
    const live = tiles.filter(({ stage }) => stage.dataset.kind === "live").length;
    const text = tiles.length ? S.cameras(tiles.length, live) : S.noCameras;
    const others = this.places.only ? this.#listed().some(({ name }) => name !== this.places.only) : tiles.length > 1;
    this.#heading.render(this.#large, text, { admin: this.admin, back: this.#large !== null && others });
    const large = this.#large;
    const said = large?.element.querySelector(".sentence").textContent;
    document.title = large ? S.title(said, large.title) : S.title(text);
  }

  /** The cameras that the server knows more of than a name. */
  #listed() {
    const cameras = this.#events?.status?.cameras ?? [];
    return cameras.filter(known);
  }

  /** The server told something. */
  #told() {
    const { status, at, link } = this.#events;
    if (status && link === "open") {
      if (status.uptime_s < this.#uptime) this.#tiles.forEach((_, name) => this.#missed.add(name));
      this.#uptime = status.uptime_s;
      const all = new Map(status.cameras.map((camera) => [camera.name, camera]));
      if (!this.places.only) this.#follow();
      for (const tile of this.#tiles.values()) tile.told(all.get(tile.name) ?? null, at);
      this.#sort();
    }
    this.#empty?.render(this.#events);
    this.#choose();
    for (const tile of this.#tiles.values()) tile.render();
    this.#head();
  }

  /** Cameras come and go. */
  #follow() {
    const listed = new Set(this.#listed().map(({ name }) => name));
    listed.forEach((name) => this.#missed.delete(name));
    // Who is in the middle of something with the only camera stays with it.
    const [only] = this.#tiles.values();
    if (this.#tiles.size === 1 && listed.size > 1 && only.busy && !location.hash) {
      history.replaceState(history.state, "", `#${only.name}`);
    }
    for (const tile of [...this.#tiles.values()]) {
      if (!listed.has(tile.name) && !this.#missed.has(tile.name)) this.#remove(tile);
    }
    for (const name of listed) if (!this.#tiles.has(name)) this.#add(name);
  }

  #add(name) {
    const tile = new Tile(name, this);
    this.#tiles.set(name, tile);
    this.#list.append(tile.element);
    this.#sight.observe(tile.stage);
  }

  #remove(tile) {
    this.#tiles.delete(tile.name);
    this.#sight.unobserve(tile.stage);
    if (this.#large === tile) this.#large = null;
    tile.end();
  }

  #see(entries) {
    for (const { target, isIntersecting } of entries) {
      for (const tile of this.#tiles.values()) if (tile.stage === target) tile.inSight = isIntersecting;
    }
  }

  /** By name, what is gone behind the others. What stands right already is not moved. */
  #sort() {
    const compare = new Intl.Collator("en", { numeric: true }).compare;
    const order = [...this.#tiles.values()].sort((a, b) => a.gone - b.gone || compare(a.name, b.name));
    order.forEach(({ element }, index) => {
      const there = this.#list.children[index];
      if (there !== element) this.#list.insertBefore(element, there);
    });
  }

  /** Decides what is large: the only one, or the one that the address names. */
  #choose() {
    const { only } = this.places;
    const alone = this.#tiles.size === 1 ? this.#tiles.values().next().value : null;
    const large = this.#tiles.get(only ?? location.hash.slice(1)) ?? alone;
    if (large !== this.#large) {
      const before = this.#large;
      this.#large = large;
      before?.shrink();
      large?.grow();
      for (const tile of this.#tiles.values()) tile.element.hidden = large !== null && tile !== large;
      scrollTo(0, 0);
      this.#tick();
    }
    for (const tile of this.#tiles.values()) tile.element.hidden = large !== null && tile !== large;
    document.body.classList.toggle("wide", large === null);
    document.body.classList.toggle("many", large === null && this.#tiles.size > 0);
    if (this.#empty) {
      const below = this.#tiles.size ? this.#another : this.#empty.element;
      if (this.#main.lastChild !== below) {
        this.#another.remove();
        this.#empty.element.remove();
        this.#main.append(below);
      }
      this.#another.hidden = large !== null && this.#tiles.size > 1;
    }
    this.#lay();
  }

  #lay() {
    const { top } = this.#list.getBoundingClientRect();
    const room = { width: this.#list.parentElement.clientWidth, height: innerHeight - (top + scrollY) };
    const { columns, width } = arrange(this.#tiles.size, room);
    this.#list.style.setProperty("--columns", columns);
    this.#list.style.setProperty("--width", `${width}px`);
  }

  /** Goes back to the wall; false when there is none to go to here. */
  #back() {
    if (this.places.only || !this.#large || this.#tiles.size < 2) return false;
    if (history.state?.enlarged) history.back();
    else {
      history.replaceState(null, "", location.pathname + location.search);
      this.#return();
    }
    return true;
  }

  /** The address leads somewhere else now; on the wall, the focus goes to the tile that was large. */
  #return() {
    const before = this.#large;
    this.#choose();
    if (!this.#large) before?.focus();
  }

  #say(text) {
    say(this.#said, text);
  }
}

/** What stands where no camera is: how to connect one. */
class Empty {
  #sentence = make("span", { class: "sentence", role: "status" }, S.connecting);
  #more = make("span", { class: "more" });
  #demo = make("button", { type: "button", class: "primary", hidden: "" }, S.startDemo);
  #refused = make("span", { class: "more", role: "status" });
  #stage = make(
    "section",
    { class: "stage empty still" },
    make(
      "div",
      { class: "frame" },
      make("p", { class: "status" }, make("span", { class: "dot" }), make("span", {}, this.#sentence, " ", this.#more), this.#demo, this.#refused),
    ),
  );
  #help;
  element;

  constructor(wall, help) {
    this.#help = help;
    help.hidden = true;
    this.element = make("div", { class: "large" }, this.#stage, help);
    this.#stage.dataset.kind = "wait";
    this.#demo.onclick = async () => {
      this.#demo.disabled = true;
      const { sentence } = await ask("POST", wall.places.demo, { name: "demo" });
      this.#demo.disabled = false;
      say(this.#refused, sentence);
    };
  }

  render({ admin, status, link }) {
    const lost = link === "lost";
    this.#stage.dataset.kind = lost ? "bad" : "wait";
    const waiting = !lost && status !== null;
    say(this.#sentence, lost ? S.reconnecting : waiting ? S.waiting : S.connecting);
    say(this.#more, waiting ? S.waitingMore : "");
    this.#help.hidden = !waiting;
    this.#demo.hidden = !waiting || !admin;
  }
}
