// The prompt in a dialog of a page of the application (client.js) or in a window that it opened: tells that page what
// becomes of it, and nothing of what is typed. Only pages of our own origin are told.
"use strict";

const isFramed = parent !== window;

function tell(event, more) {
  if (isFramed) parent.postMessage({ stepgate: event, ...more }, location.origin);
}

const verified = document.querySelector("[data-verified]")?.dataset.verified;
if (verified) {
  tell("verified", { token: verified });
  // The page that asked for it may be in another window.
  if (window.BroadcastChannel) new BroadcastChannel("stepgate").postMessage(verified);
  // One that was opened for nothing else.
  if (window.name === "stepgate") close();
} else if (isFramed) {
  const size = () => tell("size", { height: Math.ceil(document.body.getBoundingClientRect().height) });
  new ResizeObserver(size).observe(document.body);
  addEventListener("keydown", (event) => event.key === "Escape" && tell("cancelled"));
  for (const link of document.querySelectorAll("[data-leave]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      tell("cancelled");
    });
  }
  // Browsers look at `autofocus` in the outermost page alone.
  const first = document.querySelector("[autofocus]") ?? document.querySelector("main button, main a, main summary");
  first?.focus();
}
