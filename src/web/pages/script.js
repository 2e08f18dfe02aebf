// Passkeys (WebAuthn): asks the browser, and sends what it says with the form that it belongs to. The page works
// without this file in every other way; what needs it says so until this runs.
"use strict";

const toBytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");

// PublicKeyCredential.parseRequestOptionsFromJSON and toJSON are not in all browsers that know passkeys.
function readOptions(json) {
  const withBytes = (entry) => ({ ...entry, id: toBytes(entry.id) });
  const options = { ...json, challenge: toBytes(json.challenge) };
  for (const list of ["allowCredentials", "excludeCredentials"]) {
    if (json[list]) options[list] = json[list].map(withBytes);
  }
  if (json.user) options.user = withBytes(json.user);
  return options;
}

function writeCredential(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "authenticatorData", "signature", "userHandle", "attestationObject"]) {
    if (credential.response[name]) response[name] = toText(credential.response[name]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  const { id, type } = credential;
  return { id, rawId: toText(credential.rawId), type, response, clientExtensionResults: {} };
}

// Shows of a form what belongs to a state, and hides what belongs to another.
function show(form, state, words) {
  for (const part of form.querySelectorAll("[data-when]")) {
    part.hidden = !part.dataset.when.split(" ").includes(state);
    part.disabled = part.hidden;
    if (words && part.dataset.when === state) part.textContent = words;
  }
}

// The ceremony that waits for the person; a browser takes one at a time.
let waiting = new AbortController();

async function ask(form, mediation) {
  waiting.abort();
  const { signal } = (waiting = new AbortController());
  const token = form.elements.token?.value;
  const response = await fetch(form.dataset.options, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ token }),
    signal,
  });
  const told = await response.json();
  if (!response.ok) throw Object.assign(new Error(told.reason), { words: told.title });
  const call = { publicKey: readOptions(told.publicKey), signal };
  if (mediation) call.mediation = mediation;
  const method = form.dataset.passkey === "create" ? "create" : "get";
  const credential = await navigator.credentials[method](call);
  if (form.elements.factor) form.elements.factor.value = "passkey";
  form.elements.answer.value = JSON.stringify({ state: told.state, credential: writeCredential(credential) });
  form.requestSubmit();
}

function explain(form, error) {
  if (error.name === "AbortError") return;
  const states = { NotAllowedError: "cancelled", InvalidStateError: "known" };
  show(form, states[error.name] ?? "failed", error.words);
}

// Has the browser offer passkeys at a password field, anew before the state of the last offer ends.
async function offer(form) {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  const again = setTimeout(() => offer(form), 4 * 60 * 1000);
  ask(form, "conditional").catch(() => clearTimeout(again));
}

function prepare(form) {
  if (form.dataset.passkey === "offer") {
    const { factor, answer } = form.elements;
    const typed = factor.value;
    answer.addEventListener("input", () => (factor.value = typed));
    if (window.PublicKeyCredential) offer(form);
    return;
  }
  if (!window.PublicKeyCredential) {
    show(form, "unsupported");
    return;
  }
  show(form, "ready");
  form.querySelector("button[autofocus]")?.focus();
  form.addEventListener("submit", (event) => {
    // Filled in; or by a button that chooses another way.
    if (form.elements.answer.value || event.submitter?.name) return;
    event.preventDefault();
    show(form, "ready");
    ask(form).catch((error) => explain(form, error));
  });
  // Back from the next page: what was answered there has been used.
  addEventListener("pageshow", () => (form.elements.answer.value = ""));
}

document.querySelectorAll("form[data-passkey]").forEach(prepare);
