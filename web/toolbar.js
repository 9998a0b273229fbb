// What can be done with the picture, in a bar below it.

import { ClipRecorder } from "./clip.js";
import { button, make, say } from "./dom.js";
import { now } from "./facts.js";
import { STRINGS as S } from "./strings.js";

/** Seconds without a move of the pointer until the bar hides in full screen, and that a message stays. */
const IDLE = 3;
const SAID = 6;

const ICONS = {
  snapshot: "M4 8h3.5L9 5.5h6L16.5 8H20v11H4zM12 16.5a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4z",
  record: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM12 15.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z",
  share: "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7L12 7M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7L12 17",
  adjust: "M4 7h9M19 7h1M4 17h1M11 17h9M16 4.5v5M8 14.5v5",
  pictureInPicture: "M3.5 5.5h17v13h-17zM12 12h6v4.5h-6z",
  fullscreen: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
};

export class Toolbar {
  /** The message about what was done. */
  toast = make("p", { class: "toast", role: "status" });
  #tile;
  #buttons = {};
  #recorder = null;
  #recorded = make("span", { class: "recorded", role: "timer" });
  #saidAt = 0;
  #movedAt = 0;
  #ended = new AbortController();

  /** `share()` and `adjust()` lead to what is below; `way` is chosen now, and `setWay(way)` chooses another. */
  constructor(tile, { share, adjust, way, setWay }) {
    this.#tile = tile;
    const actions = {
      snapshot: () => this.#snapshot(),
      record: () => (this.#recorder ? this.#save() : this.#record()),
      share,
      adjust,
      pictureInPicture: () => tile.watch.pictureInPicture().catch(() => this.#say(S.noPictureInPicture)),
      fullscreen: () => this.#fullscreen(),
    };
    for (const [name, act] of Object.entries(actions)) {
      this.#buttons[name] = button(ICONS[name], S[name], { "data-do": name });
      this.#buttons[name].onclick = act;
    }
    const { snapshot, record, pictureInPicture, fullscreen } = this.#buttons;
    const select = make("select", { class: "way", "aria-label": S.play_, title: S.play_ });
    select.append(...Object.entries(S.ways).map(([value, text]) => make("option", { value }, text)));
    select.value = way;
    select.onchange = () => setWay(select.value);
    this.element = make(
      "div",
      { class: "bar", role: "group", "aria-label": S.actions },
      snapshot,
      record,
      this.#recorded,
      this.#buttons.share,
      this.#buttons.adjust,
      make("span", { class: "gap" }),
      select,
      pictureInPicture,
      fullscreen,
    );
    const { signal } = this.#ended;
    tile.stage.addEventListener("pointermove", () => (this.#movedAt = now()), { signal });
    addEventListener("beforeunload", (event) => this.#recorder && event.preventDefault(), { signal });
  }

  /** Whether something goes on that must not end by itself. */
  get busy() {
    return this.#recorder !== null || document.fullscreenElement === this.#tile.stage;
  }

  /** `pictured`: the server has a picture; `adjustable`: there is a form to jump to. */
  render(pictured, adjustable, at) {
    const { snapshot, record, adjust, pictureInPicture, fullscreen } = this.#buttons;
    const { watch, stage } = this.#tile;
    snapshot.disabled = !pictured;
    record.disabled = !pictured && !this.#recorder;
    adjust.hidden = !adjustable;
    pictureInPicture.hidden = !watch.canPictureInPicture;
    fullscreen.hidden = !stage.requestFullscreen && !watch.element?.webkitEnterFullscreen;
    record.classList.toggle("on", this.#recorder !== null);
    const doing = this.#recorder ? S.recordStop : S.record;
    record.title = doing;
    record.setAttribute("aria-label", doing);
    say(record.lastChild, this.#recorder ? S.stop : S.record);
    say(this.#recorded, this.#recorder ? S.recorded(this.#recorder.seconds, this.#recorder.bytes) : "");
    if (this.toast.textContent && at - this.#saidAt > SAID) this.#say("");
    stage.classList.toggle("idle", at - this.#movedAt > IDLE && !this.element.querySelector(":focus-visible"));
  }

  /** Ends for good; what was recorded is saved. */
  end() {
    this.#ended.abort();
    if (this.#recorder) this.#save();
  }

  async #snapshot() {
    try {
      const answer = await fetch(this.#tile.where.snapshot);
      if (answer.ok) this.#download(await answer.blob(), "jpg");
      else this.#say(S.noSnapshot);
    } catch {
      this.#say(S.notAsked);
    }
  }

  #record() {
    const recorder = new ClipRecorder(this.#tile.where, () => {
      if (this.#recorder !== recorder) return;
      if (recorder.state === "failed") {
        this.#recorder = null;
        this.#say(recorder.reason);
      } else if (recorder.state === "idle" && recorder.bytes) {
        // It ended by itself: the camera left, or the clip is as long as clips may be.
        this.#save();
      }
    });
    this.#recorder = recorder;
    recorder.start();
  }

  #save() {
    const { reason } = this.#recorder;
    const clip = this.#recorder.stop();
    this.#recorder = null;
    if (clip) this.#download(clip, "mp4", reason);
    else this.#say(S.noRecording);
  }

  #download(blob, ending, reason = "") {
    const name = `${this.#tile.where.name}-${stamp(new Date())}.${ending}`;
    const href = URL.createObjectURL(blob);
    make("a", { href, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
    this.#say([reason, S.saved(name)].filter(Boolean).join(". "));
  }

  #fullscreen() {
    const { stage, watch } = this.#tile;
    if (document.fullscreenElement) return document.exitFullscreen();
    // iPhones have it for videos only.
    return stage.requestFullscreen ? stage.requestFullscreen() : watch.element.webkitEnterFullscreen();
  }

  #say(text) {
    this.#saidAt = now();
    say(this.toast, text);
  }
}

/** A moment as file names have it, in the time of this place: 20251122-213005. */
export function stamp(date) {
  const two = (number) => String(number).padStart(2, "0");
  const day = `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`;
  return `${day}-${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
}
