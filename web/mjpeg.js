// `/mjpeg` and `/mjpeg/NAME`: the camera's JPEGs as they come.

import { start } from "./page.js";

start("jpeg");
