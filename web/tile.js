// One camera: its picture, what is wrong with it, and its name. Large, it has a page around it as well.

import { addresses } from "./addresses.js";
import { icon, make, say } from "./dom.js";
import { now } from "./facts.js";
import { age } from "./numbers.js";
import { CameraPage } from "./page.js";
import { describe, left } from "./status.js";
import { STRINGS as S, span } from "./strings.js";
import { Watch } from "./watch.js";

/** Seconds out of sight until the stream ends: who scrolls past and comes back finds it running. */
const LINGER = 2;
/** Seconds since a camera left until it counts as gone: most are back at once. */
const GONE = 10;
/** The server gives no picture that is older than this, ms, unless its camera is slow. */
const OLDEST_POSTER = 10_000;

export class Tile {
  element = make("li", { class: "tile" });
  stage = make("section", { class: "stage still empty" });
  /** Null until somebody looks. */
  watch = null;
  /** The camera in the server's `/status`, or null, and when that was told. */
  camera = null;
  /** Whether it is in sight, as far as its place on the page tells. */
  inSight = false;
  #wall;
  #page = null;
  #player = make("div", { class: "player" });
  #poster = make("img", { class: "screen poster", alt: "", hidden: "" });
  #picture = make("div", { class: "picture", role: "img" }, this.#player, this.#poster);
  #sentence = make("span", { class: "sentence" });
  #more = make("span", { class: "more" });
  #play = make("button", { type: "button", class: "play" }, icon("M8 5v14l11-7z"), S.play);
  #open = make("button", { type: "button", class: "open" });
  #name = make("a", { class: "name" });
  #virtual = make("span", { class: "tag", hidden: "" }, S.virtual);
  #glance = make("span", { class: "glance" });
  #forget = make("button", { type: "button", class: "quiet" }, S.forget);
  #toldAt = 0;
  #seenAt = -Infinity;

  constructor(name, wall) {
    this.name = name;
    this.where = addresses(location, name);
    this.#wall = wall;
    const status = make("p", { class: "status" }, make("span", { class: "dot" }), make("span", {}, this.#sentence, " ", this.#more));
    this.frame = make("div", { class: "frame" }, this.#picture, status, this.#open, this.#play);
    this.stage.append(this.frame);
    this.#name.href = this.where.page;
    const caption = make("div", { class: "caption" }, this.#name, this.#virtual, this.#glance, this.#forget);
    this.element.append(this.stage, caption);
    this.element.dataset.name = name;
    this.#open.onclick = () => wall.enlarge(this);
    this.#play.onclick = () => this.watch.play();
    this.#forget.onclick = () => wall.forget(this);
    this.#poster.onload = () => (this.#poster.hidden = this.watch?.facts.shown > 0);
    this.#poster.onerror = () => (this.#poster.hidden = true);
  }

  get title() {
    return this.camera?.title ?? this.name;
  }

  /** Seconds since the camera left; null when it is connected, or never was. */
  goneFor(at = now()) {
    const { camera } = this;
    if (camera?.state !== "waiting" || camera.since_ms === null) return null;
    return camera.since_ms / 1000 + at - this.#toldAt;
  }

  /** Whether it is gone for so long that it stands behind the others. */
  get gone() {
    return this.goneFor() > GONE;
  }

  /** Whether something goes on that must not end because another camera came. */
  get busy() {
    return this.#page?.busy ?? false;
  }

  /** Takes what the server told at a time: null when it does not know the camera. */
  told(camera, at) {
    const before = this.camera;
    this.camera = camera;
    if (before && camera && before.connected !== camera.connected) {
      this.#wall.announce(this, camera.connected ? S.appeared(this.title) : S.vanished(this.title));
    }
    this.#toldAt = at;
    this.watch?.facts.told(camera, at);
    if (camera) this.#page?.told(camera, at);
  }

  /** Makes a page of it. */
  grow() {
    if (this.#page) return;
    this.#look();
    this.element.classList.add("large");
    this.#sentence.setAttribute("role", "status");
    this.#page = new CameraPage(this, this.#wall);
    if (this.camera) this.#page.told(this.camera, this.#toldAt);
  }

  shrink() {
    if (!this.#page) return;
    this.#page.end();
    this.#page = null;
    this.element.classList.remove("large");
    this.#sentence.removeAttribute("role");
  }

  /** Puts the focus where it was before the page was made. */
  focus() {
    this.#open.focus();
  }

  /** Plays from now on in the way that the wall wants. */
  replay() {
    this.watch?.stop();
    this.watch = null;
    if (this.#page) this.#look();
  }

  /** To be called a few times a second; `hidden`: another one is large. */
  tick(hidden) {
    const at = now();
    const wanted = !hidden && (this.#page || (this.inSight && this.goneFor(at) === null));
    if (wanted) {
      this.#seenAt = at;
      this.#look();
    } else if (at - this.#seenAt > LINGER) {
      this.watch?.pause();
    }
    this.watch?.tick();
    this.render();
  }

  /** Ends for good. */
  end() {
    this.shrink();
    this.watch?.stop();
    this.element.remove();
  }

  #look() {
    if (this.watch) return this.watch.resume();
    let watch = null;
    // It may have something to tell before it is there.
    this.watch = watch = new Watch(this.where, this.#player, this.#wall.way, () => watch && this.watch === watch && this.render());
  }

  render() {
    const at = now();
    const { camera, watch, stage } = this;
    const facts = watch?.facts;
    const { title } = this;
    if (facts) facts.serverMs = camera ? serverTime(camera.pipeline_ms) : null;
    if (facts && camera?.silent_after_ms) facts.silentAfter = camera.silent_after_ms / 1000;
    const state = this.#state(facts, at);
    const shown = facts?.shown > 0;
    const pictured = this.#renderPoster(facts, shown);
    const live = state.kind === "live";
    const gone = !this.#page && this.goneFor(at) !== null;
    stage.dataset.kind = state.kind;
    stage.classList.toggle("still", !live);
    stage.classList.toggle("empty", !shown && this.#poster.hidden);
    this.element.classList.toggle("gone", gone);
    if (facts?.width && this.#page) this.element.style.setProperty("--ratio", facts.width / facts.height);
    say(this.#sentence, state.sentence);
    // On the wall the name stands beside it.
    say(this.#more, gone ? "" : state.more);
    say(this.#name, title);
    this.#picture.setAttribute("aria-label", S.pictureOf(title));
    this.#open.setAttribute("aria-label", S.enlarge(title));
    this.#play.hidden = !(facts?.blocked && facts.camera === "live");
    this.#virtual.hidden = !camera?.virtual;
    this.#forget.hidden = !gone || !this.#wall.admin;
    this.#forget.setAttribute("aria-label", S.forgetThis(title));
    say(this.#glance, gone ? S.gone(span(this.goneFor(at))) : glance(facts, live, at));
    this.#page?.render(state, pictured, at);
  }

  /** What to say: by the stream while there is one, else by what the server tells. */
  #state(facts, at) {
    const gone = this.goneFor(at);
    if (this.#wall.lost && facts?.link !== "open") return { kind: "bad", sentence: S.reconnecting, more: "" };
    if (gone !== null && (!facts || facts.link === "paused")) return left(gone);
    if (!facts) return { kind: "wait", sentence: S.connecting, more: "" };
    return describe(facts, at, document.hidden, gone);
  }

  /** The newest JPEG stands in until the first picture of the stream. Gives back whether the server has one. */
  #renderPoster(facts, shown) {
    const { camera } = this;
    const has = (state) => state === "live" || state === "silent";
    const pictured = has(facts?.camera) || (has(camera?.state) && camera.newest_frame_age_ms < Math.max(OLDEST_POSTER, camera.silent_after_ms ?? 0));
    const poster = this.#poster;
    if (!shown && pictured && !poster.hasAttribute("src")) poster.src = this.where.snapshot;
    if (shown) poster.hidden = true;
    else if (!pictured) {
      poster.removeAttribute("src");
      poster.hidden = true;
    }
    return pictured;
  }
}

/** Milliseconds that a picture spends in the server. */
function serverTime({ ingest, decode, encode, mux, queue }) {
  return ingest + decode + encode + mux + queue;
}

function glance(facts, live, at) {
  if (!live) return "";
  return [facts.fps && S.fps(facts.fps), age(facts, live, at)].filter(Boolean).join(" · ");
}
