// `/` and `/camera/NAME`
import { start } from "./wall.js";

start("auto");
