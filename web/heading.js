// The header of a page: where one is, the way back, and the camera's title, which can be changed.

import { ask } from "./api.js";
import { button, icon, make, say } from "./dom.js";
import { known } from "./status.js";
import { STRINGS as S } from "./strings.js";

/** Longest title, in characters. */
const LONGEST = 80;

export class Heading {
  #back = make("a", { class: "back", hidden: "", "aria-label": S.allCameras }, icon("M15 5l-7 7 7 7"), make("span", {}, S.allCameras));
  #title = make("h1");
  #rename = button("M4 20h4L19 9l-4-4L4 16zM13.5 6.5l4 4", S.rename, { class: "round", hidden: "" });
  #field = make("input", { "aria-label": S.renameLabel, maxlength: LONGEST, autocomplete: "off", "aria-describedby": "rename" });
  #hint = make("span", { id: "rename", class: "hint", role: "status" });
  #form;
  #tile = null;
  element;

  /** `back()` goes to the wall and answers whether it did; else the link does. */
  constructor({ wall, icon: picture }, back) {
    this.#back.href = wall;
    const cancel = make("button", { type: "button", class: "quiet" }, S.cancel);
    this.#form = make(
      "form",
      { class: "rename", hidden: "" },
      this.#field,
      make("button", { class: "primary" }, S.save),
      cancel,
      this.#hint,
    );
    const brand = make("a", { class: "brand", href: wall, "aria-label": S.product }, make("img", { src: picture, alt: "", width: "28", height: "28" }), make("span", {}, S.product));
    this.element = make("header", {}, brand, this.#back, this.#title, this.#rename, this.#form);
    this.#back.onclick = (event) => {
      if (back()) event.preventDefault();
    };
    this.#rename.onclick = () => this.#begin();
    cancel.onclick = () => this.#end();
    this.#form.onkeydown = (event) => {
      if (event.key === "Escape") this.#end();
    };
    this.#form.onsubmit = (event) => {
      event.preventDefault();
      this.#save();
    };
  }

  get renaming() {
    return !this.#form.hidden;
  }

  /** `tile` is the camera that is large, or null on the wall, where `text` stands. */
  render(tile, text, { admin, back }) {
    if (tile !== this.#tile) this.#end();
    this.#tile = tile;
    say(this.#title, tile ? tile.title : text);
    this.#back.hidden = !back;
    const renamable = tile && admin && known(tile.camera);
    this.#rename.hidden = !renamable || this.renaming;
    this.element.classList.toggle("renaming", this.renaming);
  }

  /** The focus goes to the way back. */
  focus() {
    this.#back.focus();
  }

  #begin() {
    this.#field.value = this.#tile.title === this.#tile.name ? "" : this.#tile.title;
    this.#field.placeholder = this.#tile.name;
    say(this.#hint, S.renameHint);
    this.#show(true);
    this.#field.select();
    this.#field.focus();
  }

  #end() {
    const focused = this.#form.contains(document.activeElement);
    this.#show(false);
    if (focused) this.#rename.focus();
  }

  #show(form) {
    this.#form.hidden = !form;
    this.#title.hidden = form;
    this.#rename.hidden = form;
    this.element.classList.toggle("renaming", form);
  }

  async #save() {
    const tile = this.#tile;
    const { sentence } = await ask("PATCH", tile.where.change, { title: this.#field.value });
    if (this.#tile !== tile) return;
    if (sentence) return say(this.#hint, sentence);
    this.#end();
  }
}
