// All cameras that the server knows, or the one that the page's address names. One of them may be large.

import { addresses, places } from "./addresses.js";
import { ask } from "./api.js";
import { make, say } from "./dom.js";
import { Empty } from "./empty.js";
import { Events } from "./events.js";
import { Heading } from "./heading.js";
import { arrange } from "./layout.js";
import { helpAnother } from "./panels.js";
import { known } from "./status.js";
import { STRINGS as S } from "./strings.js";
import { Tile } from "./tile.js";

/** Milliseconds between two looks at the facts. */
const INTERVAL = 250;
/** Seconds that cameras have to come back after the server did. */
const MISSED = 60;

/** As people count: 10 comes after 9. */
const { compare } = new Intl.Collator("en", { numeric: true });

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
  /** Cameras that were here when the server was restarted, which knows nothing of them yet, and since when. */
  #missed = new Map();
  #main = make("main");
  #list = make("ul", { class: "wall", "aria-label": S.wall });
  /** Forgets all that are gone, once there are several. */
  #forgetAll = make("button", { type: "button", class: "quiet forget-all", hidden: "" });
  #said = make("p", { class: "offscreen", role: "status" });
  #heading = new Heading(this.places, () => this.#back());
  #empty;
  #another;
  #sight;
  #events;

  constructor(way) {
    this.way = way in S.ways ? way : "auto";
    // First of all: the first picture waits for what it tells.
    this.#events = new Events(this.places.events, () => this.#told());
    this.#main.append(this.#said, this.#list, this.#forgetAll);
    this.#forgetAll.onclick = () => this.#forgetGone();
    document.body.append(this.#heading.element, this.#main);
    this.#sight = new IntersectionObserver((entries) => this.#see(entries), { rootMargin: "10%" });
    new ResizeObserver(() => this.#lay()).observe(this.#main);
    if (this.places.only) this.#add(this.places.only);
    else {
      const where = addresses(location, "default");
      this.#empty = new Empty(where, this.places.demo);
      this.#another = helpAnother(where);
    }
    addEventListener("popstate", () => this.#return());
    addEventListener("resize", () => this.#lay());
    document.addEventListener("keydown", (event) => {
      // In a form it is for the form.
      if (event.key === "Escape" && !document.fullscreenElement && !event.target.closest("form")) this.#back();
    });
    this.#choose();
    setInterval(() => this.#tick(), INTERVAL);
  }

  /** Whether something may be changed from here; null until told. */
  get admin() {
    return this.#events?.admin ?? null;
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

  /** Forgets a camera that is gone. Resolves with why not, or "". */
  async forget(tile) {
    const { status, sentence } = await ask("DELETE", tile.where.change);
    // A server that was restarted since has forgotten it already.
    const refused = status === 404 ? "" : sentence;
    if (refused) this.announce(tile, refused);
    else if (!this.places.only) this.#remove(tile);
    this.#choose();
    return refused;
  }

  async #forgetGone() {
    const { sentence } = await ask("DELETE", this.places.cameras);
    if (sentence) return say(this.#said, sentence);
    for (const tile of [...this.#tiles.values()]) if (tile.goneFor() !== null) this.#remove(tile);
    say(this.#said, S.forgotten);
    this.#choose();
  }

  /** Tells who cannot see it what happened to a tile. */
  announce(tile, text) {
    // What is large says so itself.
    if (tile !== this.#large) say(this.#said, text);
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
    const gone = tiles.filter((tile) => tile.goneFor() !== null).length;
    this.#forgetAll.hidden = this.#large !== null || !this.admin || gone < 2;
    say(this.#forgetAll, S.forgetAll(gone));
    const large = this.#large;
    const said = large?.element.querySelector(".sentence").textContent;
    document.title = large ? S.title(said, large.title) : S.title(text);
  }

  /** The cameras that the server knows more of than a name. */
  #listed() {
    return this.#events?.status?.cameras.filter(known) ?? [];
  }

  /** The server told something. */
  #told() {
    const { status, at, link } = this.#events;
    if (status && link === "open") {
      if (status.uptime_s < this.#uptime) {
        for (const tile of this.#tiles.values()) if (tile.goneFor(at) === null) this.#missed.set(tile.name, at);
      }
      this.#uptime = status.uptime_s;
      const all = new Map(status.cameras.map((camera) => [camera.name, camera]));
      if (!this.places.only) this.#follow(at);
      for (const tile of this.#tiles.values()) tile.told(all.get(tile.name) ?? null, at);
      this.#sort();
    }
    this.#empty?.render(this.#events);
    this.#choose();
    for (const tile of this.#tiles.values()) tile.render();
    this.#head();
  }

  /** Cameras come and go. */
  #follow(at) {
    const listed = new Map(this.#listed().map((camera) => [camera.name, camera]));
    for (const name of listed.keys()) this.#missed.delete(name);
    // Who is in the middle of something with the only camera stays with it.
    const [only] = this.#tiles.values();
    if (this.#tiles.size === 1 && listed.size > 1 && only.busy && !location.hash) {
      history.replaceState(history.state, "", `#${only.name}`);
    }
    for (const tile of [...this.#tiles.values()]) {
      const missed = at - this.#missed.get(tile.name) < MISSED;
      if (!listed.has(tile.name) && !missed) this.#remove(tile);
    }
    const others = this.#tiles.size > 0;
    for (const [name, { title }] of listed) {
      if (this.#tiles.has(name)) continue;
      const tile = this.#add(name);
      if (others) this.announce(tile, S.appeared(title));
    }
  }

  #add(name) {
    const tile = new Tile(name, this);
    this.#tiles.set(name, tile);
    this.#list.append(tile.element);
    this.#sight.observe(tile.stage);
    return tile;
  }

  #remove(tile) {
    // The list may say that a camera is gone before the server answers the order to forget it.
    if (this.#tiles.get(tile.name) !== tile) return;
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
    const focused = document.activeElement;
    const order = [...this.#tiles.values()].sort((a, b) => a.gone - b.gone || compare(a.name, b.name));
    order.forEach(({ element }, index) => {
      const there = this.#list.children[index];
      if (there !== element) this.#list.insertBefore(element, there);
    });
    // What is moved loses the focus.
    if (focused !== document.activeElement) focused.focus();
  }

  /** Decides what is large: the only one, or the one that the address names. */
  #choose() {
    const { only } = this.places;
    const alone = this.#tiles.size === 1 ? this.#tiles.values().next().value : null;
    const large = this.#tiles.get(only ?? location.hash.slice(1)) ?? alone;
    const before = this.#large;
    this.#large = large;
    for (const tile of this.#tiles.values()) tile.element.hidden = large !== null && tile !== large;
    if (large !== before) {
      before?.shrink();
      large?.grow();
      scrollTo(0, 0);
      this.#tick();
    }
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
    const room = { width: this.#main.clientWidth, height: innerHeight - (top + scrollY) };
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
}
