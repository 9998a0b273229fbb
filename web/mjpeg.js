// `/mjpeg` and `/mjpeg/NAME`
import { start } from "./wall.js";

start("jpeg");
