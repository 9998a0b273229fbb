// What stands on the wall while there is no camera: how to connect one.

import { ask } from "./api.js";
import { make, say } from "./dom.js";
import { help } from "./panels.js";
import { STRINGS as S } from "./strings.js";

export class Empty {
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

  /** `demo` is where a virtual camera is started. */
  constructor(where, demo) {
    this.#help = help(where);
    this.#help.hidden = true;
    this.element = make("div", { class: "large" }, this.#stage, this.#help);
    this.#stage.dataset.kind = "wait";
    this.#demo.onclick = async () => {
      this.#demo.disabled = true;
      const { sentence } = await ask("POST", demo, { name: "demo" });
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
