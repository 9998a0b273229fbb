// What the camera's device tells about itself, what is wrong with it, and the form that asks it for another picture.

import { ask } from "./api.js";
import { make, say } from "./dom.js";
import { now } from "./facts.js";
import { STRINGS as S, span } from "./strings.js";

/** Seconds that a device may take until its picture is as asked. */
const PATIENCE = 10;

const SIZES = { qqvga: [160, 120], qvga: [320, 240], vga: [640, 480], svga: [800, 600], xga: [1024, 768], uxga: [1600, 1200] };

/** The name of the size of a picture, or "". */
export function sizeName({ width, height }) {
  return Object.keys(SIZES).find((name) => SIZES[name][0] === width && SIZES[name][1] === height) ?? "";
}

/** Whether a picture is as asked, as far as it was asked. */
export function isAsAsked(picture, { size, quality, fps }) {
  const is = (wanted, value) => wanted === undefined || wanted === value;
  const near = fps === undefined || Math.abs(fps - picture.fps) < 0.01;
  return is(size, sizeName(picture)) && is(quality, picture.quality) && near;
}

export class Device {
  /** What is wrong with it, one sentence or more each. */
  diagnosis = make("ul", { class: "diagnosis", "aria-live": "polite", "aria-label": S.diagnosis });
  panel = make("section", { class: "panel device", "aria-labelledby": "device" }, make("h2", { id: "device" }, S.device));
  #facts = {};
  #form = null;
  #where;

  constructor(where) {
    this.#where = where;
    const list = make("dl", { class: "stats" });
    for (const key of ["signal", "sends", "running", "started", "firmware"]) {
      this.#facts[key] = make("dd");
      list.append(make("div", {}, make("dt", {}, S[key]), this.#facts[key]));
    }
    this.panel.append(list);
    this.show(null, false);
  }

  /** Whether there is a form to ask for another picture. */
  get adjustable() {
    return !this.panel.hidden && this.#form !== null;
  }

  /** Shows what the server tells about it, null for nothing; `admin`: this page may ask for another picture. */
  show(device, admin) {
    this.panel.hidden = !device;
    const findings = device?.diagnosis ?? [];
    const shown = JSON.stringify(findings);
    // The same is not read out twice.
    if (this.diagnosis.dataset.shown !== shown) {
      this.diagnosis.dataset.shown = shown;
      this.diagnosis.replaceChildren(...findings.map(note));
    }
    if (!device) return this.#form?.forget();
    const set = (key, text) => say(this.#facts[key], text || S.none);
    const { rssi, uptime_s, picture, reset_reason, firmware, board, sensor } = device;
    set("signal", rssi !== null && S.signalOf(rssi));
    set("sends", picture && S.pictureNow(picture));
    set("running", uptime_s !== null && span(uptime_s));
    set("started", reset_reason);
    set("firmware", [firmware, board, sensor].filter(Boolean).join(" · "));
    if (admin && !this.#form) {
      this.#form = new Form(this.#where.change);
      this.panel.append(this.#form.element);
    }
    this.#form?.follow(device);
  }
}

/** What is wrong stands out; what to do about it follows. */
function note({ code, level, text }) {
  const end = text.indexOf(". ") + 1 || text.length;
  const [wrong, advice] = [text.slice(0, end), text.slice(end)];
  return make("li", { class: "note", "data-code": code, "data-level": level }, make("strong", {}, wrong), advice);
}

/** Asks the device for another picture. Only what was touched is asked; the rest follows what the device does. */
class Form {
  #size = make("select", { name: "size" });
  #quality = make("input", { name: "quality", type: "range", min: "1", max: "100" });
  #qualityShown = make("output");
  #fps = make("input", { name: "fps", type: "number", min: "0.1", max: "120", step: "any", required: "", inputmode: "decimal" });
  #button = make("button", { class: "primary" }, S.change);
  #said = make("p", { role: "status" });
  #fields;
  #touched = new Set();
  /** What was asked, and until when it is waited for. */
  #asked = null;
  #until = 0;

  constructor(path) {
    const field = (text, ...content) => make("label", {}, make("span", {}, text), ...content);
    this.#fields = make(
      "fieldset",
      {},
      field(S.wishSize, this.#size),
      field(S.wishQuality, make("span", { class: "range" }, this.#quality, this.#qualityShown)),
      field(S.wishFps, this.#fps),
      this.#button,
    );
    this.element = make("form", { "aria-label": S.changeForm }, this.#fields, this.#said);
    this.element.oninput = ({ target }) => {
      this.#touched.add(target.name);
      this.#update();
    };
    this.element.onsubmit = (event) => {
      event.preventDefault();
      this.#ask(path);
    };
    this.#update();
  }

  /** Another device may come. */
  forget() {
    this.#touched.clear();
    this.#asked = null;
    this.#fields.disabled = false;
    say(this.#said, "");
    this.#update();
  }

  follow({ max_width, max_height, picture }) {
    const fits = ([width, height]) => !max_width || !max_height || (width <= max_width && height <= max_height);
    const names = Object.keys(SIZES).filter((name) => fits(SIZES[name]));
    if (this.#size.dataset.names !== `${names}`) {
      this.#size.dataset.names = names;
      this.#size.replaceChildren(...names.map((name) => make("option", { value: name }, S.sizeOf(name, ...SIZES[name]))));
      this.#size.selectedIndex = -1;
    }
    if (!picture) return;
    if (this.#asked) {
      const done = isAsAsked(picture, this.#asked);
      // What the device told last may be older than the request.
      if (!done && now() < this.#until) return;
      say(this.#said, done ? S.changed : S.notChanged);
      this.#asked = null;
    }
    const set = (field, value) => this.#touched.has(field.name) || (field.value = value);
    set(this.#size, sizeName(picture));
    set(this.#quality, picture.quality);
    set(this.#fps, picture.fps);
    this.#update();
  }

  #update() {
    say(this.#qualityShown, this.#quality.value);
    this.#button.disabled = !this.#touched.size;
  }

  async #ask(path) {
    const all = { size: this.#size.value, quality: this.#quality.valueAsNumber, fps: this.#fps.valueAsNumber };
    const asked = Object.fromEntries(Object.entries(all).filter(([name]) => this.#touched.has(name)));
    say(this.#said, S.asking);
    const { status, sentence } = await ask("PATCH", path, asked);
    if (!sentence) {
      this.#asked = asked;
      this.#until = now() + PATIENCE;
      this.#touched.clear();
    }
    say(this.#said, sentence || S.asked);
    this.#fields.disabled = status === 403;
    this.#update();
  }
}
