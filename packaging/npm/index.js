// For bundlers. What it does it does to the page, so there is one of it, however often it is imported.
import "./client.js";

export default globalThis.stepgate;
