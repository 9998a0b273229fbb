// The page of one camera. The two pages differ in the way they begin with.

import { addresses } from "./addresses.js";
import { Device } from "./device.js";
import { icon, make, say } from "./dom.js";
import { now } from "./facts.js";
import { help, links } from "./panels.js";
import { describe } from "./status.js";
import { STRINGS as S, span } from "./strings.js";
import { Watch } from "./watch.js";

/** Milliseconds between two looks at the facts. */
const INTERVAL = 250;
/** Seconds without a new picture until its age is shown instead of its delay. */
const OLD = 1;

/** Shows the page; `way` is "video" or "jpeg". */
export function start(way) {
  const where = addresses(location);
  const video = make("video", { class: "screen", playsinline: "", autoplay: "", tabindex: "-1", "aria-hidden": "true" });
  // The attribute alone does not mute a video made by a script.
  video.muted = true;
  const canvas = make("canvas", { class: "screen", width: "0", height: "0" });
  const poster = make("img", { class: "screen", alt: "" });
  const sentence = make("span", { class: "sentence", role: "status", "aria-live": "polite" });
  const more = make("span", { class: "more" });
  const play = make("button", { class: "play" }, icon("M8 5v14l11-7z"), S.play);
  const full = make(
    "button",
    { class: "full", title: S.fullscreen, "aria-label": S.fullscreen },
    icon("M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"),
  );
  const status = make("p", { class: "status" }, make("span", { class: "dot" }), make("span", {}, sentence, " ", more));
  const picture = make("div", { class: "picture", role: "img", "aria-label": S.pictureOf(where.name) }, poster, canvas, video);
  const stage = make("section", { class: "stage still empty" }, picture, status, play, full);
  const stats = new Stats();
  const note = make("p", { class: "note" });
  const helpPanel = help(where);
  const device = new Device(where);
  const panels = [note, helpPanel, device.panel, links(where)];
  document.body.append(header(where, way), make("main", {}, stage, device.diagnosis, stats.element, ...panels));

  play.onclick = () => watch.play();
  full.hidden = !stage.requestFullscreen;
  full.onclick = () => (document.fullscreenElement ? document.exitFullscreen() : stage.requestFullscreen());
  poster.onload = () => (poster.hidden = false);
  poster.onerror = () => (poster.hidden = true);
  poster.hidden = true;

  let watch;
  const render = () => {
    if (!watch) return;
    const { facts } = watch;
    const at = now();
    const state = describe(facts, at, document.hidden);
    const shown = facts.shown > 0;
    // The newest JPEG stands in until the first picture of the video; the server has one in these states only.
    if (!shown && !poster.src && (facts.camera === "live" || facts.camera === "silent")) poster.src = where.snapshot;
    if (shown) poster.hidden = true;
    else if (facts.camera === "waiting") {
      poster.removeAttribute("src");
      poster.hidden = true;
    }
    const empty = !shown && poster.hidden;
    stage.dataset.kind = state.kind;
    stage.classList.toggle("still", state.kind !== "live");
    stage.classList.toggle("empty", empty);
    video.hidden = watch.way !== "video";
    canvas.hidden = watch.way !== "jpeg";
    if (facts.width) stage.style.setProperty("--ratio", facts.width / facts.height);
    say(sentence, state.sentence);
    say(more, state.more);
    play.hidden = !(facts.blocked && facts.camera === "live");
    helpPanel.hidden = !state.help;
    stats.element.hidden = empty;
    note.hidden = !watch.reason;
    say(note, watch.reason && `${watch.reason}. ${S.fallback}`);
    stats.render(facts, watch.way, state.kind === "live", at);
    document.title = `${state.sentence} · ${where.name} · ${S.product}`;
  };
  watch = new Watch(where, { video, canvas }, way, render);
  render();
  setInterval(() => {
    watch.tick();
    const { link, camera } = watch.facts;
    device.tick(link === "open" && camera !== null && camera !== "waiting");
    render();
  }, INTERVAL);
}

function header(where, way) {
  const link = (href, text, its) => make("a", its === way ? { href, "aria-current": "page" } : { href }, text);
  return make(
    "header",
    {},
    make("a", { class: "brand", href: "/" }, make("img", { src: "/assets/icon.svg", alt: "", width: "28", height: "28" }), S.product),
    make("h1", {}, where.name),
    make("nav", { "aria-label": S.nav }, link(where.video, S.navVideo, "video"), link(where.jpeg, S.navJpeg, "jpeg")),
  );
}

/** The numbers below the picture. */
class Stats {
  element = make("dl", { class: "stats" });
  #names = {};
  #values = {};

  constructor() {
    for (const key of ["rate", "size", "delay", "lost", "way"]) {
      const name = (this.#names[key] = make("dt", {}, S[key]));
      const value = (this.#values[key] = make("dd"));
      this.element.append(make("div", key === "delay" ? { title: S.delayHint } : {}, name, value));
    }
  }

  render(facts, way, live, at) {
    const set = (key, text) => say(this.#values[key], text || S.none);
    const age = at - facts.shownAt;
    const old = facts.shown && age > OLD + facts.interval;
    set("rate", live && facts.fps && S.fps(facts.fps));
    set("size", facts.width && S.pixels(facts.width, facts.height));
    say(this.#names.delay, old ? S.age : S.delay);
    set("delay", old ? span(age) : live && facts.delay !== null && `${Math.round(facts.delay * 1000)} ms`);
    set("lost", S.frames(facts.lost));
    set("way", way === "video" ? S.wayVideo : S.wayJpeg);
  }
}
