// Calls the JSON API and shows what came back. It knows of no step-up: a refusal is an answer like any other.
"use strict";

const status = document.getElementById("status");
const answer = document.getElementById("answer");

async function call(method, path, body) {
  const options = { method, headers: { accept: "application/json" } };
  if (body) {
    options.body = body;
    options.headers["content-type"] = "application/json";
  }
  return fetch(path, options);
}

async function pathOf(path) {
  if (!path.endsWith("/newest")) return path;
  const { notes } = await (await call("GET", "/api/notes")).json();
  return path.replace("newest", notes.length ? notes[0].id : 0);
}

// Text with its addresses made into links, built from nodes: nothing in an answer is ever read as HTML.
function linked(text) {
  return text.split(/("(?:https?:\/)?\/[^"\s]*")/).map((piece) => {
    if (!/^"(https?:\/)?\//.test(piece)) return document.createTextNode(piece);
    const link = document.createElement("a");
    link.href = JSON.parse(piece);
    link.target = "_blank";
    link.textContent = piece;
    return link;
  });
}

async function show(button) {
  const [method, path] = button.dataset.call.split(" ");
  status.textContent = "…";
  answer.replaceChildren();
  try {
    const real = await pathOf(path);
    const response = await call(method, real, button.dataset.body);
    const kind = response.headers.get("content-type") || "no type";
    const text = await response.text();
    status.textContent = `${method} ${real}: ${response.status} ${kind}`;
    answer.replaceChildren(...linked(/json/.test(kind) ? JSON.stringify(JSON.parse(text), null, 2) : text));
  } catch (error) {
    status.textContent = `${method} ${path}: ${error}`;
  }
}

for (const button of document.querySelectorAll("[data-call]")) {
  button.addEventListener("click", () => show(button));
}
