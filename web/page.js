// What is around the picture of a camera that is shown large: what to do with it, and what is to be known about it.

import { ask } from "./api.js";
import { Device } from "./device.js";
import { make, say } from "./dom.js";
import { Glance, Losses, Stages } from "./numbers.js";
import { help, links } from "./panels.js";
import { History } from "./plot.js";
import { known } from "./status.js";
import { STRINGS as S } from "./strings.js";
import { Toolbar } from "./toolbar.js";
import { Turn } from "./turn.js";

export class CameraPage {
  #tile;
  #wall;
  #toolbar;
  #glance = new Glance();
  #note = make("p", { class: "note" });
  #device;
  #turn;
  #history;
  #stages = new Stages();
  #losses = new Losses();
  #numbers;
  #elsewhere = make("p", { class: "elsewhere", hidden: "" }, S.changeElsewhere);
  #help;
  #own;
  #element;

  constructor(tile, wall) {
    this.#tile = tile;
    this.#wall = wall;
    const { where } = tile;
    this.#device = new Device(where);
    this.#turn = new Turn(where.change);
    this.#history = new History(where.history);
    this.#help = help(where);
    this.#own = new Own(tile, wall);
    const watchElsewhere = links(where, tile.title);
    this.#toolbar = new Toolbar(tile, {
      share: () => jump(watchElsewhere, watchElsewhere.firstChild),
      adjust: () => jump(this.#device.panel, this.#device.panel.querySelector("select")),
      way: wall.way,
      setWay: (way) => wall.setWay(way),
    });
    this.#numbers = make(
      "section",
      { class: "panel numbers", "aria-labelledby": "numbers" },
      make("h2", { id: "numbers" }, S.history),
      this.#history.element,
      make("div", { class: "more-numbers" }, this.#stages.element, this.#losses.element),
    );
    this.#element = make(
      "div",
      { class: "page" },
      this.#glance.element,
      this.#note,
      this.#device.diagnosis,
      this.#help,
      this.#own.element,
      this.#numbers,
      this.#device.panel,
      this.#turn.element,
      this.#elsewhere,
      watchElsewhere,
    );
    tile.stage.append(this.#toolbar.element);
    tile.frame.append(this.#toolbar.toast);
    tile.element.append(this.#element);
  }

  get busy() {
    return this.#toolbar.busy || this.#element.contains(document.activeElement) || this.#wall.renaming;
  }

  told(camera, at) {
    if (known(camera)) this.#history.add(camera, at);
    this.#device.show(camera.device, this.#wall.admin);
    this.#turn.show(known(camera) ? camera : null, this.#wall.admin);
  }

  render(state, pictured, at) {
    const { camera, stage, watch } = this.#tile;
    const { facts, way, reason } = watch;
    const empty = stage.classList.contains("empty");
    this.#toolbar.render(pictured, this.#device.adjustable, at);
    this.#glance.element.hidden = empty;
    this.#glance.render(facts, way, state.kind === "live", at);
    this.#stages.render(camera, facts, way, reason);
    this.#losses.render(camera, facts);
    this.#numbers.hidden = !known(camera);
    this.#elsewhere.hidden = this.#wall.admin !== false || !known(camera);
    this.#help.hidden = !state.help;
    const notes = [];
    if (reason && way === "jpeg") notes.push(`${reason}. ${S.fallback}`);
    if (facts.trouble) notes.push(S.troubleMore(facts.trouble));
    this.#note.hidden = !notes.length;
    say(this.#note, notes.join(" "));
    this.#own.render();
  }

  /** Ends for good. */
  end() {
    this.#toolbar.end();
    this.#toolbar.element.remove();
    this.#toolbar.toast.remove();
    this.#element.remove();
  }
}

/** What can be done with a camera of the server's own, and with one that is gone. */
class Own {
  #text = make("p");
  #button = make("button", { type: "button", class: "secondary" });
  #said = make("p", { role: "status" });
  element = make("section", { class: "panel own", hidden: "" }, this.#text, this.#button, this.#said);
  #tile;
  #wall;

  constructor(tile, wall) {
    this.#tile = tile;
    this.#wall = wall;
    this.#button.onclick = async () => say(this.#said, await (tile.gone ? wall.forget(tile) : this.#stop()));
  }

  render() {
    const { camera, gone } = this.#tile;
    this.element.hidden = !this.#wall.admin || !(gone || camera?.virtual);
    say(this.#text, gone ? S.goneLong : S.demo);
    say(this.#button, gone ? S.forget : S.stopDemo);
  }

  async #stop() {
    const { sentence } = await ask("DELETE", `${this.#wall.places.demo}?name=${this.#tile.name}`);
    return sentence;
  }
}

/** Shows a panel, and puts the focus into it. */
function jump(panel, field) {
  if (panel.tagName === "DETAILS") panel.open = true;
  field?.focus({ preventScroll: true });
  panel.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
}
