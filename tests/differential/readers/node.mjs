// Reads cookies, paths and parameters as Node's packages and frameworks do.
// Asked on standard input, answers on standard output, a line each; see `../readers.rs` for the words.
// The packages are found in the directory that the first argument names.

import { createRequire } from "node:module";
import querystring from "node:querystring";
import readline from "node:readline";
import legacyUrl from "node:url";
import { join, resolve } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { pathToFileURL } from "node:url";

const packages = resolve(process.argv[2], "node_modules");
const require = createRequire(join(packages, "index.js"));

const cookie2 = await import(pathToFileURL(join(packages, "cookie-2/dist/index.js")));
const cookie1 = require("cookie-1");
const cookie0 = require("cookie-0");
const Cookies = require("cookies");
const statehood = require("@hapi/statehood");
const qs = require("qs");
const express = require("express");
const express4 = require("express-4");
const parseurl = require("parseurl");
const findMyWay = require("find-my-way");
const busboy = require("busboy");
const { formidable } = require("formidable");
const Koa = require("koa");
const KoaRouter = require("@koa/router");
const { Hono } = require("hono");
const { getCookie } = require("hono/cookie");

// A header or target as Node's server hands it on: each byte a character.
const latin1 = (bytes) => bytes.toString("latin1");
const one = (value) => (value === undefined || value === null ? [] : [value]);

// Cookies.

const definitions = new statehood.Definitions();
const hono = new Hono();
let honoCookie;
hono.get("*", (context) => {
  honoCookie = getCookie(context)[honoCookie];
  return context.text("");
});

const COOKIES = {
  // Fastify reads by 2, Express by 0.
  "cookie-2": (line, name) => one(cookie2.parseCookie(line)[name]),
  "cookie-1": (line, name) => one(cookie1.parse(line)[name]),
  "cookie-0": (line, name) => one(cookie0.parse(line)[name]),
  cookies: (line, name) => one(new Cookies({ headers: { cookie: line } }, {}).get(name)),
  // Hapi keeps all values of a name.
  hapi: async (line, name) => [(await definitions.parse(line)).states[name] ?? []].flat(),
  hono: async (line, name) => {
    honoCookie = name;
    await hono.fetch(new Request("http://h/", { headers: { cookie: line } }));
    return one(honoCookie);
  },
};

// Paths. Each router has the routes that `../paths.rs` guards.

// A route that was reached is told as it is written here.
const ROUTES = ["/admin/delete", "/users/:user/delete", "/users/me/draft"];
function expressRouter(make) {
  const application = make();
  for (const route of ROUTES) {
    application.all(route, (request, response) => response.reached([route]));
  }
  return (target) =>
    new Promise((reached, refused) => {
      const request = { method: "POST", url: target, headers: { host: "h" } };
      const response = { reached, setHeader() {}, removeHeader() {}, getHeader() {} };
      application.handle(request, response, (error) => (error ? refused(error) : reached([])));
    });
}

const fastifyRouter = findMyWay();
for (const route of ROUTES) fastifyRouter.on("POST", route, () => route);

const koaRouter = new KoaRouter();
for (const route of ROUTES) {
  koaRouter.all(route, (context) => {
    context.reached = [route];
  });
}
const koa = new Koa();
const koaRoutes = koaRouter.routes();

const honoRouter = new Hono();
for (const route of ROUTES) honoRouter.all(route, (context) => context.text(route));

const PATHS = {
  "new-url": (target) => one(new URL(target, "http://h").pathname),
  "new-url-decoded": (target) => one(decodeURIComponent(new URL(target, "http://h").pathname)),
  "new-url-joined": (target) => one(new URL(`http://h${target}`).pathname),
  "url.parse": (target) => one(legacyUrl.parse(target).pathname),
  "url.parse-slashes": (target) => one(legacyUrl.parse(target, false, true).pathname),
  parseurl: (target) => one(parseurl({ url: target }).pathname),
  "split-decoded": (target) => one(decodeURIComponent(target.split("?")[0])),
  express: expressRouter(express),
  "express-4": expressRouter(express4),
  fastify: (target) => {
    const found = fastifyRouter.find("POST", target);
    return found === null ? [] : [found.handler()];
  },
  koa: async (target) => {
    const context = koa.createContext({ method: "POST", url: target, headers: {}, socket: {} }, {});
    await koaRoutes(context, () => {});
    return context.reached ?? [];
  },
  hono: async (target) => {
    const response = await honoRouter.fetch(new Request(`http://h${target}`, { method: "POST" }));
    return response.status === 200 ? [await response.text()] : [];
  },
};

// Queries and forms. What is no text (a list, an object) is none to a single look-up, which `-` and
// a leading comma say; its items follow.

function dig(parsed, name) {
  let value = parsed;
  for (const part of name.split(/[[\]]+/).filter((part) => part !== "")) {
    value = value !== null && typeof value === "object" && Object.hasOwn(value, part) ? value[part] : undefined;
  }
  if (value === undefined) return [];
  return typeof value === "string" ? [value] : [null, ...items(value)];
}

function items(value) {
  if (typeof value === "string") return [value];
  return value !== null && typeof value === "object" ? Object.values(value).flatMap(items) : [];
}

// A name without brackets of its own, as parsers see it that nest nothing.
const flat = (parsed, name) => {
  const value = Object.hasOwn(parsed, name) ? parsed[name] : undefined;
  return value === undefined ? [] : typeof value === "string" ? [value] : [null, ...items(value)];
};

function expressQuery(make, parser) {
  const application = make();
  if (parser) application.set("query parser", parser);
  let asked;
  application.use((request, response) => response.reached(asked(request.query)));
  return (query, look) =>
    new Promise((reached, refused) => {
      asked = look;
      const request = { method: "POST", url: `/?${query}`, headers: { host: "h" } };
      const response = { reached, setHeader() {}, removeHeader() {}, getHeader() {} };
      application.handle(request, response, (error) => (error ? refused(error) : reached([])));
    });
}

// A request whose body is still to come, as Node's server hands it on.
function posted(body, type) {
  const request = new PassThrough();
  request.method = "POST";
  request.headers = { "content-type": type, "content-length": `${body.length}` };
  return request;
}

function bodyParser(make, extended) {
  const parse = make.urlencoded({ extended });
  return (body, type, look) =>
    new Promise((read, refused) => {
      const request = posted(body, type);
      parse(request, {}, (error) => (error ? refused(error) : read(look(request.body ?? {}))));
      request.end(body);
    });
}

function busboyForm(body, type, name) {
  return new Promise((read, refused) => {
    const values = [];
    const parser = busboy({ headers: { "content-type": type } });
    parser.on("field", (field, value) => field === name && values.push(value));
    parser.on("file", (field, stream) => stream.resume());
    parser.on("close", () => read(values));
    parser.on("error", refused);
    parser.end(body);
  });
}

// Files go nowhere.
const nowhere = () => new Writable({ write: (chunk, encoding, done) => done() });

async function formidableForm(body, type, name) {
  const request = posted(body, type);
  const parsing = formidable({ fileWriteStreamHandler: nowhere, allowEmptyFiles: true, minFileSize: 0 }).parse(request);
  request.end(body);
  const [fields] = await parsing;
  return Object.hasOwn(fields, name) ? fields[name] : [];
}

const search = (text, name) => new URLSearchParams(text).getAll(name);
const express5Query = expressQuery(express);
const express5Extended = expressQuery(express, "extended");
const express4Query = expressQuery(express4);

const QUERIES = {
  URLSearchParams: search,
  "new-url": (query, name) => new URL(`/?${query}`, "http://h").searchParams.getAll(name),
  "url-search": (query, name) => search(new URL(`/?${query}`, "http://h").search, name),
  querystring: (query, name) => flat(querystring.parse(query), name),
  qs: (query, name) => dig(qs.parse(query), name),
  "qs-prefix": (query, name) => dig(qs.parse(`?${query}`, { ignoreQueryPrefix: true }), name),
  "qs-dots": (query, name) => dig(qs.parse(query, { allowDots: true }), name),
  "qs-commas": (query, name) => dig(qs.parse(query, { comma: true }), name),
  express: (query, name) => express5Query(query, (parsed) => flat(parsed, name)),
  "express-extended": (query, name) => express5Extended(query, (parsed) => dig(parsed, name)),
  "express-4": (query, name) => express4Query(query, (parsed) => dig(parsed, name)),
};

const urlencoded = [bodyParser(express, false), bodyParser(express, true), bodyParser(express4, true)];

// What some servers do with any body, read as text, whose type says that it is a form.
const asText = (read) => (body, type, name) => {
  if (!type.toLowerCase().includes("urlencoded")) throw new Error("another type");
  return read(body.toString("utf8"), name);
};

const FORMS = {
  URLSearchParams: asText(search),
  querystring: asText((body, name) => flat(querystring.parse(body), name)),
  "qs-prefix": asText((body, name) => dig(qs.parse(body, { ignoreQueryPrefix: true }), name)),
  express: (body, type, name) => urlencoded[0](body, type, (parsed) => flat(parsed, name)),
  "express-extended": (body, type, name) => urlencoded[1](body, type, (parsed) => dig(parsed, name)),
  "express-4": (body, type, name) => urlencoded[2](body, type, (parsed) => dig(parsed, name)),
  "form-data": async (body, type, name) => {
    const request = new Request("http://h/", { method: "POST", headers: { "content-type": type }, body });
    return (await request.formData()).getAll(name).filter((value) => typeof value === "string");
  },
  busboy: busboyForm,
  formidable: formidableForm,
};

// The protocol.

const KINDS = { cookies: COOKIES, path: PATHS, query: QUERIES, form: FORMS };

function encoded(values) {
  if (values.length === 0) return "-";
  const hex = (value) => (value === null ? "-" : Buffer.from(value, "utf8").toString("hex"));
  return values.map(hex).join(",");
}

// Some parsers throw where nobody can catch it, or never end; a server's request does not go on then.
let giveUp;
process.on("uncaughtException", (why) => giveUp(why));

async function reading(read, given) {
  const outside = new Promise((_, refuse) => {
    giveUp = refuse;
  });
  const late = setTimeout(giveUp, 2000);
  try {
    return encoded(await Promise.race([read(...given), outside]));
  } catch {
    return "!"; // a parser that throws makes a server answer 400 or 500
  } finally {
    clearTimeout(late);
  }
}

const version = (name) => `${name} ${require(join(packages, name, "package.json")).version}`;
const named = ["cookie-2", "cookie-1", "cookie-0", "cookies", "@hapi/statehood", "qs", "busboy", "formidable", "express", "express-4", "find-my-way", "koa", "@koa/router", "hono"];
process.stdout.write(`Node ${process.version}, ${named.map(version).join(", ")}\n`);

for await (const line of readline.createInterface({ input: process.stdin })) {
  const [kind, ...fields] = line.split(" ");
  const texts = fields.map((field) => latin1(Buffer.from(field, "hex")));
  const [name, text] = texts;
  const given = { cookies: [text, name], path: [name], query: [text, name], form: [Buffer.from(text ?? "", "latin1"), texts[2], name] };
  const answers = [];
  for (const [parser, read] of Object.entries(KINDS[kind])) answers.push(`${parser}:${await reading(read, given[kind])}`);
  process.stdout.write(`${answers.join(" ")}\n`);
}
