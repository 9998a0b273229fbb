// `/` and `/camera/NAME`: the camera as H.264 video; as JPEGs where the browser cannot play it.

import { start } from "./page.js";

start("video");
