/*! Stepgate: asks for the proof that a refused call lacks, and repeats the call. Apache-2.0 */
// What is typed in the frame of the prompt never comes by this script.
(() => {
  "use strict";
  if (typeof window === "undefined" || Object.getOwnPropertyDescriptor(window, "stepgate")) return;

  // Whoever may put markup into a page can give elements these names.
  const tag = [document.currentScript].find((it) => it instanceof HTMLScriptElement);
  const options = tag ? tag.dataset : {};
  const from = tag && /\/client\.js$/.test(tag.src.split(/[?#]/)[0]) ? tag.src.replace(/client\.js.*$/, "") : "/.stepup/";
  // In ASCII, for any character set.
  const CANCEL = { ar: "\u0625\u0644\u063a\u0627\u0621", de: "Abbrechen", en: "Cancel", es: "Cancelar", fr: "Annuler", ja: "\u30ad\u30e3\u30f3\u30bb\u30eb" };

  const native = window.fetch;
  const NativeXhr = window.XMLHttpRequest;
  const prefix = () => new URL(stepgate.prefix, location.href);
  const pathOf = ({ pathname, search }) => pathname + search;

  function isOurs(url) {
    try {
      return [location.origin, prefix().origin].includes(new URL(url, document.baseURI).origin);
    } catch {
      return false;
    }
  }

  const isHere = (url) => new URL(url).origin === location.origin;

  // Has libraries of pages refused as other calls are. Alone it would add a preflight to a redirect elsewhere (CORS).
  const ASKS = ["step-up-client", "dialog"];
  const mayAsk = (url, names) => isHere(url) && names.some((name) => !/^(accept|content-|range)/i.test(name));

  const isRefusal = (header) => header("step-up") === "challenge" && /^application\/problem\+json/.test(header("content-type"));

  function emit(name, detail, cancelable) {
    return document.dispatchEvent(new CustomEvent(`stepup:${name}`, { detail, cancelable, bubbles: true }));
  }

  // Refused calls in groups that one proof may open. The first group is asked for.
  const groups = [];
  let proofs = 0;
  // Actions that were given up, until somebody does something: a page may call every second.
  const givenUp = new Set();
  for (const type of ["click", "keydown"]) addEventListener(type, () => givenUp.clear(), true);

  // Whether a call is to be repeated: `method`, `url`, `problem`, perhaps `signal`.
  async function prove(call) {
    const { method, url, problem } = call;
    let answer = false;
    const detail = { method, url, problem, waitFor: (promise) => (answer = promise) };
    // The page asks by itself.
    if (!emit("challenge", detail, true)) return Boolean(await answer);
    const { action, single_use: single } = problem.challenge;
    // The frame could not send that.
    if (call.authorized || call.signal?.aborted || givenUp.has(action)) return false;
    return new Promise((resolve) => {
      let group = groups.find((one) => !single && !one.single && one.action === action);
      if (!group) groups.push((group = { action, single, calls: [] }));
      const waiting = { ...call, proofs, end };
      function end(verified) {
        const at = group.calls.indexOf(waiting);
        if (at < 0) return;
        group.calls.splice(at, 1);
        resolve(verified);
      }
      call.withdraw = () => {
        end(false);
        if (!group.calls.length) group.close?.();
      };
      call.signal?.addEventListener("abort", call.withdraw, { once: true });
      group.calls.push(waiting);
      if (groups.length === 1 && group.calls.length === 1) askForAll();
    });
  }

  async function askForAll() {
    while (groups.length) {
      const [group] = groups;
      for (const call of [...group.calls]) {
        if (!group.single && call.proofs < proofs && (await isOpen(call))) call.end(true);
      }
      const [first] = group.calls;
      if (first) {
        const verified = await ask(group, first).catch(() => false);
        if (verified) proofs += 1;
        else if (group.calls.length) givenUp.add(group.action);
        emit(verified ? "verified" : "cancelled", { problem: first.problem });
        for (const call of [...group.calls]) if (!verified || call.problem === first.problem) call.end(verified);
      }
      if (!group.calls.length) groups.shift();
    }
  }

  async function isOpen({ method, url, problem }) {
    const call = new URL(url);
    const verify = new URL(problem.challenge.verify_url, call);
    let query = new URLSearchParams({ method, path: pathOf(call) });
    if (call.pathname === new URL("challenge", verify).pathname) query = call.searchParams;
    else if (call.pathname.startsWith(new URL(".", verify).pathname)) return false;
    try {
      const answer = await native(new URL(`status?${query}`, verify), { credentials: "include" });
      return (await answer.json()).route.satisfied;
    } catch {
      return false;
    }
  }

  // Shows the prompt; whether the proof was given.
  async function ask(group, { url, problem }) {
    const { challenge } = problem;
    const page = new URL(challenge.page_url, url);
    // What the page itself answers may say anything.
    if (page.origin !== new URL(url).origin) return false;
    return new Promise((resolve) => {
      const hasDialog = "HTMLDialogElement" in window;
      const channel = window.BroadcastChannel && new BroadcastChannel("stepgate");
      const view = hasDialog && new View(problem, () => end(false));
      let frame;
      let timer;
      let isOver = false;

      function end(verified) {
        if (isOver) return;
        isOver = true;
        removeEventListener("message", hear);
        document.removeEventListener("securitypolicyviolation", fallBackIfBlocked);
        channel?.close();
        clearInterval(timer);
        view && view.close();
        group.close = null;
        resolve(verified);
      }

      function hear({ origin, source, data }) {
        if (origin !== page.origin || source !== frame?.contentWindow || !data?.stepgate) return;
        if (data.stepgate === "size") view.resize(frame, data.height);
        if (data.stepgate === "cancelled") end(false);
        if (data.stepgate === "verified" && data.token === challenge.token) end(true);
      }

      function fallBackIfBlocked({ effectiveDirective, blockedURI }) {
        if (/^(frame|child|default)-src$/.test(effectiveDirective) && blockedURI.startsWith(page.origin)) fallBack();
      }

      function openWindow() {
        const opened = window.open(page, "stepgate", "popup,width=480,height=720");
        if (!opened) return false;
        // Of another origin: the call is tried when it is gone.
        if (page.origin !== location.origin) timer = setInterval(() => opened.closed && end(true), 300);
        return true;
      }

      function fallBack() {
        if (frame === null) return;
        frame = null;
        if (options.fallback === "page") location.assign(page);
        else if (view) view.offer(problem, openWindow);
        else if (!openWindow()) end(false);
      }

      group.close = () => end(false);
      if (channel) channel.onmessage = ({ data }) => data === challenge.token && end(true);
      addEventListener("message", hear);
      document.addEventListener("securitypolicyviolation", fallBackIfBlocked);
      if (!view || page.origin !== location.origin) return fallBack();
      page.searchParams.set("dialog", 1);
      frame = view.frame(page, () => {
        const shown = frame?.contentDocument;
        if (!shown) return fallBack();
        if (shown.querySelector("[src$='/dialog.js']")) return;
        console.warn("stepgate: a service worker answered in place of the prompt");
        end(false);
      });
      page.searchParams.delete("dialog");
    });
  }

  // Apart from the styles and the policy of the page.
  class View {
    constructor({ title, challenge }, onClose) {
      this.host = document.createElement("step-up");
      const root = this.host.attachShadow({ mode: "open" });
      try {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(STYLE);
        root.adoptedStyleSheets = [sheet];
      } catch {
        // Safari before 16.4.
      }
      this.label = `${title}: ${challenge.title}`;
      this.dialog = root.appendChild(document.createElement("dialog"));
      this.dialog.setAttribute("aria-label", this.label);
      this.dialog.addEventListener("close", onClose);
      const button = this.dialog.appendChild(document.createElement("button"));
      button.type = "button";
      button.textContent = "\u00d7";
      const languages = [document.documentElement.lang, ...navigator.languages, "en"].map((one) => one.slice(0, 2).toLowerCase());
      button.setAttribute("aria-label", CANCEL[languages.find((one) => CANCEL[one])]);
      button.addEventListener("click", onClose);
      document.documentElement.append(this.host);
      this.dialog.showModal();
    }

    frame(page, onLoad) {
      const frame = document.createElement("iframe");
      frame.title = this.label;
      frame.src = page;
      frame.addEventListener("load", onLoad);
      this.dialog.prepend(frame);
      frame.focus();
      return frame;
    }

    resize(frame, height) {
      frame.style.height = `${height}px`;
      frame.className = "shown";
    }

    offer({ title, detail, challenge }, onClick) {
      const add = (name, text) => Object.assign(document.createElement(name), { textContent: text });
      const link = Object.assign(add("button", challenge.title), { type: "button", className: "go" });
      link.addEventListener("click", onClick);
      this.dialog.querySelector("iframe")?.remove();
      this.dialog.prepend(add("h2", title), add("p", detail), link);
      link.focus();
    }

    close() {
      this.dialog.close();
      this.host.remove();
    }
  }

  const STYLE = `
    dialog { box-sizing: border-box; width: min(30rem, 100vw - 2rem); max-height: calc(100dvh - 2rem); padding: 0; overflow: auto;
      border: 1px solid #d5dce2; border-radius: 1rem; background: #fff; color: #17212b; font: 1rem/1.5 system-ui, sans-serif }
    dialog::backdrop { background: rgb(10 20 30 / 55%) }
    iframe { display: block; width: 100%; height: 20rem; max-height: calc(100dvh - 2.2rem); border: 0; opacity: 0 }
    .shown { opacity: 1 }
    button { position: absolute; inset-block-start: .7rem; inset-inline-end: .7rem; width: 2.5rem; height: 2.5rem; border: 0;
      border-radius: .5rem; background: none; color: inherit; font: 1.5rem/1 system-ui, sans-serif; cursor: pointer }
    h2, p { margin: 1.5rem 3.5rem 0 1.5rem; font-size: 1.25rem }
    p { margin: .5rem 1.5rem 1rem; font-size: 1rem }
    .go { position: static; width: calc(100% - 3rem); height: auto; margin: 0 1.5rem 1.5rem; padding: .7rem; background: #0b6660; color: #fff; font: inherit }
    :focus-visible { outline: 3px solid; outline-offset: -3px }
    @media (prefers-color-scheme: dark) { dialog { border-color: #323d46; background: #192127; color: #e7edf1 } }
    @media (max-width: 32rem) { dialog { width: 100%; max-width: 100%; margin-block-end: 0; border-radius: 1rem 1rem 0 0 } }`;

  async function fetch(input, init) {
    if (!isOurs(input?.url ?? input)) return native(input, init);
    // A copy would take any amount of memory.
    const isStream = init?.body instanceof ReadableStream;
    const request = new Request(input, init);
    const { method, signal, headers } = request;
    if (mayAsk(request.url, [...headers.keys()])) headers.set(...ASKS);
    const refused = await native(isStream ? request : request.clone());
    // A service worker's own has none.
    const url = refused.url || request.url;
    const call = { method, signal, url, authorized: headers.has("authorization") };
    if (!isRefusal((name) => refused.headers.get(name)) || !isOurs(url)) return refused;
    call.problem = await refused.clone().json().catch(() => null);
    if (!call.problem?.challenge) return refused;
    const verified = await prove(call);
    if (signal.aborted) throw signal.reason ?? new DOMException("withdrawn", "AbortError");
    if (verified && !isStream) return native(request);
    if (verified) console.warn(`stepgate: ${method} ${url} is open now; a stream is not repeated`);
    return refused;
  }

  const HIDDEN = ["readystatechange", "progress", "load", "loadend", "loadstart"];

  // Between a refusal and the second answer the page sees no event.
  class XMLHttpRequest extends NativeXhr {
    // "sent", "held", "again"; else the page sees all.
    #state;
    #call;
    #opened;
    #headers;
    #body;
    #isUploaded;

    constructor(...parameters) {
      super(...parameters);
      for (const type of HIDDEN) this.addEventListener(type, (event) => this.#filter(event));
      for (const type of ["abort", "error", "timeout"]) this.addEventListener(type, () => (this.#state = null));
    }

    open(method, url, ...more) {
      this.#call?.withdraw?.();
      super.open(method, url, ...more);
      const { href } = new URL(url, document.baseURI);
      this.#opened = [method, href, ...more];
      this.#headers = [];
      this.#isUploaded = false;
      this.#call = null;
      this.#state = (!more.length || more[0]) && isOurs(href) ? "sent" : null;
      if (!isHere(href)) this.#listenToUpload("remove");
    }

    // With the page's own alone: these add a preflight, too.
    get upload() {
      if (!this.#opened || isHere(this.#opened[1])) this.#listenToUpload("add");
      return super.upload;
    }

    #listenToUpload(change) {
      for (const type of HIDDEN) super.upload[`${change}EventListener`](type, this.#filterUpload);
    }

    setRequestHeader(name, value) {
      super.setRequestHeader(name, value);
      this.#headers.push([name, value]);
    }

    send(body) {
      this.#body = body;
      if (this.#state === "sent" && mayAsk(this.#opened[1], this.#headers.map(([name]) => name))) super.setRequestHeader(...ASKS);
      super.send(body);
    }

    abort() {
      const isHeld = this.#state === "held" && this.readyState === 4;
      this.#state = null;
      this.#call?.withdraw?.();
      this.#call = null;
      super.abort();
      if (isHeld) this.#tell("abort", "loadend");
    }

    #filter(event) {
      if (this.#state === "sent" && this.readyState > 1) {
        const isRefused = isRefusal((name) => this.getResponseHeader(name)) && isOurs(this.responseURL);
        this.#state = isRefused ? "held" : null;
      } else if (this.#state === "again" && this.readyState > 1) {
        this.#state = null;
      }
      if (this.#state !== "held" && this.#state !== "again") return;
      event.stopImmediatePropagation();
      if (this.#state === "held" && event.type === "load") this.#ask();
    }

    #filterUpload = (event) => {
      if (this.#state === "again" && this.#isUploaded) event.stopImmediatePropagation();
      else if (event.type === "load") this.#isUploaded = true;
    };

    async #ask() {
      const [method] = this.#opened;
      const authorized = this.#headers.some(([name]) => name.toLowerCase() === "authorization");
      const call = (this.#call = { method, url: this.responseURL, authorized });
      try {
        call.problem = this.responseType === "json" ? this.response : await new Response(this.response).json();
      } catch {
        // Asked for as a document.
      }
      const verified = call.problem?.challenge && this.#call === call && (await prove(call));
      if (this.#call !== call) return;
      this.#call = null;
      if (!verified) {
        this.#state = null;
        this.#tell("readystatechange", "load", "loadend");
        return;
      }
      this.#state = "again";
      super.open(...this.#opened);
      for (const header of this.#headers) super.setRequestHeader(...header);
      super.send(this.#body);
    }

    #tell(...types) {
      for (const type of types) this.dispatchEvent(type === "readystatechange" ? new Event(type) : new ProgressEvent(type));
    }
  }

  // Fields that the prompt page cannot carry.
  function pathOfForm(form, submitter) {
    const of = (name) => submitter?.getAttribute(`form${name}`) ?? form.getAttribute(name) ?? "";
    const target = new URL(of("action") || location.href, document.baseURI);
    const fields = document.querySelectorAll("input[type=password], input[type=file]");
    const isMeant = of("method").toLowerCase() === "post" && target.origin === location.origin && form.getAttribute("data-step-up") !== "off";
    return isMeant && [...fields].some((field) => field.form === form && field.value) && pathOf(target);
  }

  const forms = new Map();

  async function submit(event) {
    const { target: form, submitter } = event;
    if (event.defaultPrevented) return;
    if (forms.has(form)) return event.preventDefault();
    const path = pathOfForm(form, submitter);
    if (!path) return;
    event.preventDefault();
    forms.set(form, "asked");
    const goesOn = await verify({ method: "POST", path }).catch(() => true);
    forms.set(form, "cleared");
    if (goesOn) HTMLFormElement.prototype.requestSubmit.call(form, submitter);
    forms.delete(form);
  }

  function submitCleared(event) {
    if (forms.get(event.target) !== "cleared") return;
    forms.delete(event.target);
    event.stopImmediatePropagation();
  }

  async function verify({ method = "GET", path, signal }) {
    const url = new URL(`challenge?${new URLSearchParams({ method, path })}`, prefix());
    const answer = await fetch(url, { credentials: "include", headers: { accept: "application/json" }, signal });
    if (answer.ok) return true;
    const problem = await answer.json();
    if (problem.challenge) return false;
    throw Object.assign(new Error(problem.detail), { problem });
  }

  async function status(request) {
    const query = request ? `?${new URLSearchParams(request)}` : "";
    const answer = await native(new URL(`status${query}`, prefix()), { credentials: "include" });
    const said = await answer.json();
    if (answer.ok) return said;
    throw Object.assign(new Error(said.detail), { problem: said });
  }

  const stepgate = { prefix: options.prefix ?? from, verify, status };
  window.stepgate = stepgate;
  if (options.stepUp === "off") return;
  window.fetch = fetch;
  window.XMLHttpRequest = XMLHttpRequest;
  addEventListener("submit", submitCleared, true);
  addEventListener("submit", submit);
})();
