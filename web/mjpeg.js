// `/mjpeg` and `/mjpeg/NAME`
import { start } from "./page.js";

start("jpeg");
