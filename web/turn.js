// Which way up the owner wants a camera's pictures. It works for any camera: the server turns them.

import { ask } from "./api.js";
import { make, say } from "./dom.js";
import { STRINGS as S } from "./strings.js";

const DEGREES = [0, 90, 180, 270];

export class Turn {
  #degrees = make("select", { name: "turn" }, ...DEGREES.map((value) => make("option", { value }, S.turned(value))));
  #mirrored = make("input", { type: "checkbox", name: "mirrored" });
  #said = make("p", { role: "status" });
  #form = make(
    "form",
    {},
    make("fieldset", {}, make("label", {}, make("span", {}, S.turn), this.#degrees), make("label", { class: "check" }, this.#mirrored, make("span", {}, S.mirrored))),
    this.#said,
  );
  element = make("section", { class: "panel turn", hidden: "", "aria-labelledby": "turn" }, make("h2", { id: "turn" }, S.turnTitle), this.#form);
  #waiting = 0;

  /** `path` is where a camera is changed. */
  constructor(path) {
    this.#form.onsubmit = (event) => event.preventDefault();
    this.#form.onchange = () => this.#ask(path);
  }

  /** Shows how the camera is turned, null for none; `admin`: this page may turn it. */
  show(camera, admin) {
    this.element.hidden = !admin || !camera;
    // What the server tells may be older than what was just chosen.
    if (!camera || this.#waiting || this.#form.contains(document.activeElement)) return;
    this.#degrees.value = camera.turn;
    this.#mirrored.checked = camera.mirrored;
  }

  async #ask(path) {
    this.#waiting += 1;
    const { sentence } = await ask("PATCH", path, { turn: Number(this.#degrees.value), mirrored: this.#mirrored.checked });
    this.#waiting -= 1;
    say(this.#said, sentence || S.turnAsked);
  }
}
