// What an owner wants to know: the numbers below the picture, and, on demand, where the time goes and what was lost.

import { make, say } from "./dom.js";
import { STRINGS as S, span } from "./strings.js";

/** Seconds without a new picture until its own age is shown, and not the way that pictures take. */
const OLD = 1;

/** The line at a glance. */
export class Glance {
  element = make("dl", { class: "stats" });
  #values = {};

  constructor() {
    const hints = { age: S.ageHint, lost: S.lostHint };
    for (const key of ["rate", "size", "bitrate", "age", "lost", "way"]) {
      const value = (this.#values[key] = make("dd"));
      this.element.append(make("div", hints[key] ? { title: hints[key] } : {}, make("dt", {}, S[key]), value));
    }
  }

  render(facts, way, live, at) {
    const set = (key, text) => say(this.#values[key], text || S.none);
    set("rate", live && facts.fps && S.fps(facts.fps));
    set("size", facts.width && S.pixels(facts.width, facts.height));
    set("bitrate", live && facts.bitrate && S.bits(facts.bitrate));
    set("age", age(facts, live, at));
    set("lost", S.frames(facts.lost + facts.late));
    set("way", S.playing[way]);
  }
}

/** How old the picture on the screen is: milliseconds while it is live, then a time span; "" when unknown. */
export function age(facts, live, at) {
  const quiet = at - facts.shownAt;
  if (facts.shown && quiet > OLD + facts.interval) return span(quiet + (facts.age ?? 0));
  return live && facts.age !== null ? `${Math.round(facts.age * 1000)} ms` : "";
}

/** Milliseconds of each stage, in the order in which a picture passes them; without the unknown ones. */
export function stages(pipeline, facts, way) {
  const video = way !== "jpeg";
  const ms = (seconds) => seconds !== null && seconds * 1000;
  const all = {
    ingest: pipeline.ingest,
    decode: video && pipeline.decode,
    encode: video && pipeline.encode + pipeline.mux,
    queue: pipeline.queue,
    network: ms(facts.stages.network),
    render: ms(facts.stages.render),
  };
  return Object.entries(all).filter(([, value]) => Number.isFinite(value));
}

/** Where the time goes: each stage's bar begins where the one before it ends. */
export class Stages {
  #rows = make("tbody");
  #lead = make("p", {}, S.stagesUnknown);
  #table = make("table", {}, this.#rows);
  #reason = make("p");
  element = make("details", {}, make("summary", {}, S.stages), this.#lead, this.#table, this.#reason);

  /** `reason`: why it is not played in a better way, or empty. */
  render(camera, facts, way, reason) {
    if (!this.element.open) return;
    say(this.#reason, reason && S.because(S.playing[way], reason));
    const known = camera && facts.age !== null ? stages(camera.pipeline_ms, facts, way) : [];
    const total = known.reduce((sum, [, ms]) => sum + ms, 0);
    this.#table.hidden = !known.length;
    say(this.#lead, known.length ? S.stagesLead : S.stagesUnknown);
    let from = 0;
    const rows = known.map(([name, ms]) => {
      const bar = make("span", { class: "bar" });
      bar.style.setProperty("--from", from / total);
      bar.style.setProperty("--part", ms / total);
      from += ms;
      return row(S.stageNames[name], S.ms(ms), bar);
    });
    this.#rows.replaceChildren(...rows, row(S.stagesTotal, S.ms(total), ""));
  }
}

function row(name, text, bar) {
  return make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, text), make("td", { "aria-hidden": "true" }, bar));
}

/** Why frames were not encoded, by the server's word. */
const DROPPED = { bursts: S.lossBursts, slow_computer: S.lossSlow };

/** What was lost on the way, with the reason: `[number, reason]`, without the reasons that did not happen. */
export function losses(camera, facts) {
  const device = camera?.device;
  return [
    [facts.lost, S.lossSkipped],
    [facts.late, S.lossLate],
    [camera?.dropped, DROPPED[camera?.dropped_why] ?? S.lossDropped],
    ...Object.entries(camera?.quarantined ?? {}).map(([cause, number]) => [number, S.lossQuarantined(cause)]),
    [device?.dropped, S.lossDevice],
    [device?.camera_faults, S.lossFaults],
    [device?.too_big, S.lossTooBig],
  ].filter(([number]) => number > 0);
}

export class Losses {
  #list = make("ul");
  #mended = make("p", { class: "mended" });
  element = make("details", {}, make("summary", {}, S.losses), this.#list, this.#mended, make("p", {}, S.lossesSince));
  #shown = "";

  render(camera, facts) {
    if (!this.element.open) return;
    const all = losses(camera, facts);
    const mended = Object.entries(camera?.mended ?? {}).map(([kind, number]) => S.mendedKind(kind, number));
    this.#mended.hidden = !mended.length;
    say(this.#mended, mended.length ? S.mended(mended.join(", ")) : "");
    if (this.#shown === JSON.stringify(all)) return;
    this.#shown = JSON.stringify(all);
    const items = all.map(([number, reason]) => make("li", {}, make("strong", {}, String(number)), make("span", {}, reason)));
    this.#list.replaceChildren(...(items.length ? items : [make("li", {}, S.lossesNothing)]));
  }
}
