// A small line plot over the last ten minutes, and the history that it shows.

import { draw, make, say } from "./dom.js";
import { now } from "./facts.js";
import { STRINGS as S } from "./strings.js";

/** Ten minutes of five seconds each, as the server keeps them. */
const MOST = 120;

/** Rate and latency of a camera: what the server kept, and then what it tells. */
export class History {
  element = make("div", { class: "plots" });
  #rate = new Plot(S.historyRate, S.fps);
  #latency = new Plot(S.historyLatency, S.ms);
  #url;
  #samples = [];
  #step = 5;
  #bucket = [];
  #begun = -Infinity;
  #heard = -Infinity;
  #loading = false;

  constructor(url) {
    this.#url = url;
    this.element.append(this.#rate.element, this.#latency.element);
    this.#draw();
  }

  /** Takes what the server just told about the camera. */
  add(camera, at = now()) {
    // Nothing was heard for a while, or nothing ever: the server knows better.
    const gap = at - this.#heard > 2 * this.#step;
    this.#heard = at;
    if (gap) return this.#load();
    const { ingest, decode, encode, mux, queue } = camera.pipeline_ms;
    const watched = camera.viewers > 0 && camera.fps > 0;
    this.#bucket.push({ fps: camera.fps, latency_ms: watched ? ingest + decode + encode + mux + queue : null });
    if (at - this.#begun < this.#step) return;
    const mean = (key) => {
      const values = this.#bucket.map((sample) => sample[key]).filter((value) => value !== null);
      return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
    };
    this.#samples = [...this.#samples, { fps: mean("fps"), latency_ms: mean("latency_ms") }].slice(-MOST);
    this.#next(at);
  }

  #next(at) {
    this.#begun = at;
    this.#bucket = [];
    this.#draw();
  }

  async #load() {
    if (this.#loading) return;
    this.#loading = true;
    try {
      const answer = await fetch(this.#url);
      const { step_s, samples } = await answer.json();
      this.#step = step_s;
      this.#samples = samples;
      this.#next(now());
    } catch {
      // The page says elsewhere that the server is gone; the plot begins with what comes.
    }
    this.#loading = false;
  }

  #draw() {
    this.#rate.show(this.#samples.map(({ fps }) => fps));
    this.#latency.show(this.#samples.map(({ latency_ms }) => latency_ms));
  }
}

class Plot {
  #name;
  #unit;
  #now = make("span", { class: "now" });
  #top = make("span");
  #line = draw("path", { class: "line" });
  #area = draw("path", { class: "area" });
  #svg = draw("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", role: "img" }, this.#area, this.#line);

  /** `unit` makes a text of a value. */
  constructor(name, unit) {
    this.#name = name;
    this.#unit = unit;
    this.element = make(
      "figure",
      { class: "plot" },
      make("figcaption", {}, make("span", {}, name), this.#now),
      make("div", { class: "y", "aria-hidden": "true" }, this.#top, make("span", {}, "0")),
      this.#svg,
      make("div", { class: "x", "aria-hidden": "true" }, make("span", {}, S.historyStart), make("span", {}, S.historyEnd)),
    );
  }

  /** Numbers or null, the newest last. */
  show(values) {
    const known = values.filter((value) => value !== null);
    const top = ceiling(Math.max(0, ...known));
    const { line, area } = paths(values, top);
    this.#line.setAttribute("d", line);
    this.#area.setAttribute("d", area);
    say(this.#top, known.length ? this.#unit(top) : S.none);
    const newest = values.at(-1) ?? null;
    const text = (value) => (value === null ? S.none : this.#unit(value));
    say(this.#now, text(newest));
    const said = known.length
      ? S.historySaid(this.#name, text(newest), text(Math.min(...known)), text(Math.max(...known)))
      : S.historyNothing(this.#name);
    this.#svg.setAttribute("aria-label", said);
  }
}

/** The next round number: 1, 2 or 5 with zeros, at least 1. */
export function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return [1, 2, 5, 10].map((digit) => digit * power).find((round) => round >= value);
}

/** The line through the values, newest at the right, and the area under it. Null is a gap. */
export function paths(values, top) {
  const runs = [];
  let run = null;
  values.forEach((value, index) => {
    if (value === null) return (run = null);
    const x = (100 * (MOST - values.length + index)) / (MOST - 1);
    if (!run) runs.push((run = []));
    run.push([x, 100 - (100 * value) / top].map((number) => Number(number.toFixed(2))));
  });
  // A run of one point is drawn too, as a dot.
  const line = runs.map((run) => `M${(run.length > 1 ? run : [run[0], run[0]]).map((point) => point.join(" ")).join("L")}`);
  const area = runs.map((run) => `M${run[0][0]} 100L${run.map((point) => point.join(" ")).join("L")}L${run.at(-1)[0]} 100Z`);
  return { line: line.join(""), area: area.join("") };
}
