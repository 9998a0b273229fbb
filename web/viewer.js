// `/` and `/camera/NAME`
import { start } from "./page.js";

start("video");
