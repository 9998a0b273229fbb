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
  /** Cameras that came and were not let in. */
  #turned = make("ul", { class: "panel turned", "aria-label": S.refusedCameras, hidden: "" });
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
  #told = "[]";
  element;

  /** `demo` is where a virtual camera is started. */
  constructor(where, demo) {
    this.#help = help(where);
    this.#help.hidden = true;
    this.element = make("div", { class: "large" }, this.#stage, this.#turned, this.#help);
    this.#stage.dataset.kind = "wait";
    this.#demo.onclick = async () => {
      this.#demo.disabled = true;
      const { sentence } = await ask("POST", demo, { name: "demo" });
      this.#demo.disabled = false;
      say(this.#refused, sentence);
    };
  }

  render({ admin, status, link, refused }) {
    const lost = link === "lost";
    this.#stage.dataset.kind = lost ? "bad" : "wait";
    const waiting = !lost && status !== null;
    say(this.#sentence, lost ? S.reconnecting : waiting ? S.waiting : S.connecting);
    say(this.#more, waiting ? S.waitingMore : "");
    this.#tell(waiting ? refused : []);
    this.#help.hidden = !waiting;
    this.#demo.hidden = !waiting || !admin;
  }

  /** Tells of cameras that were refused. The words are the server's, which says the same in its log. */
  #tell(refused) {
    const all = refused.map(({ text, todo }) => [text, todo]);
    const said = JSON.stringify(all);
    if (said === this.#told) return;
    this.#told = said;
    this.#turned.replaceChildren(...all.map(([text, todo]) => make("li", {}, make("strong", {}, text), " ", make("span", {}, todo))));
    this.#turned.hidden = all.length === 0;
  }
}
