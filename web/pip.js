// Picture in picture. Browsers do that with videos only: a canvas gets one of its own, fed by what is drawn.

export class PictureInPicture {
  #video = null;
  #copy = null;

  /** Whether the picture is in a window of its own. */
  get is() {
    return this.#video !== null && document.pictureInPictureElement === this.#video;
  }

  possible(element) {
    return Boolean(document.pictureInPictureEnabled && (element.requestPictureInPicture || element.captureStream));
  }

  /** Shows what this element shows in such a window, or puts it back. */
  async toggle(element) {
    if (this.is) return document.exitPictureInPicture();
    this.end();
    const video = element.requestPictureInPicture ? element : await this.#fed(element);
    this.#video = video;
    video.addEventListener("leavepictureinpicture", () => video === this.#video && this.end(), { once: true });
    try {
      await video.requestPictureInPicture();
    } catch (error) {
      this.end();
      throw error;
    }
  }

  end() {
    if (this.is) document.exitPictureInPicture();
    this.#video = null;
    this.#copy?.getTracks().forEach((track) => track.stop());
    this.#copy = null;
  }

  async #fed(canvas) {
    const video = document.createElement("video");
    video.muted = true;
    this.#copy = video.srcObject = canvas.captureStream();
    // There is nothing to pause in what is live.
    video.onpause = () => this.is && video.play();
    await video.play();
    return video;
  }
}
