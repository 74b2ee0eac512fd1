// A real askbook, and what stands before it and can be told to let an answer wait, break off or fail.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, request as send } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const ROOT = resolve(import.meta.dirname, "../../..");

/** Starts the program with embedded defaults and the manual as its book. */
export async function startAskbook(settings) {
  const program = resolve(ROOT, process.env.ASKBOOK ?? "target/debug/askbook");
  const data = await mkdtemp(join(tmpdir(), "askbook-widget-"));
  const env = {
    PATH: process.env.PATH,
    PORT: "0",
    ASKBOOK_LOG_FORMAT: "json",
    ASKBOOK_ADDRESS_PER_MINUTE: "10000",
    ASKBOOK_BOOK: join(ROOT, "docs"),
    ASKBOOK_DATA_DIR: join(data, "index"),
    ...settings,
  };
  // Not where a developer has settings of their own.
  const child = spawn(program, ["serve"], { cwd: data, env, stdio: ["ignore", "ignore", "pipe"] });
  const log = [];
  const port = await new Promise((found, failed) => {
    child.on("exit", () => failed(new Error(`askbook ended:\n${log.join("\n")}`)));
    createInterface({ input: child.stderr }).on("line", (line) => {
      log.push(line);
      const [, port] = /127\.0\.0\.1:(\d+)/.exec(line) ?? [];
      if (port) found(Number(port));
    });
  });
  for (;;) {
    const ready = await fetch(`http://127.0.0.1:${port}/ready`).catch(() => null);
    if (ready?.ok) break;
  }
  return {
    port,
    log,
    async stop() {
      child.removeAllListeners("exit");
      child.kill();
      await once(child, "exit");
      await rm(data, { recursive: true });
    },
  };
}

const SCRIPTS = { "/widget.js": "widget.js", "/widget/panel.js": "panel.js" };

const CORS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "x-request-id, retry-after",
};

/**
 * Starts what stands before askbook. `next` says what becomes of the next question, which is then
 * forgotten:
 *
 * - `{ status, headers, body }`: this reply, without asking askbook;
 * - `{ events }`: these events, an end without any other;
 * - `{ holdBefore, released }`: askbook's events, those from the first of this type on when
 *   `released` is; with `cut: true`, the connection ends there.
 *
 * With `WIDGET=dist` in the environment, the widget is that of web/widget/dist, and the program need
 * not be built anew for each change of it.
 */
export async function startProxy(askbook) {
  const proxy = { next: null, questions: [], loaded: [] };

  async function answer(instruction, request, response, body) {
    if (instruction?.status) {
      response.writeHead(instruction.status, { ...CORS, ...instruction.headers });
      return response.end(JSON.stringify(instruction.body));
    }
    if (instruction?.events) {
      response.writeHead(200, { ...CORS, "content-type": "text/event-stream", "x-request-id": "scripted" });
      for (const event of instruction.events) response.write(`data: ${JSON.stringify(event)}\n\n`);
      return response.end();
    }
    const { method, url, headers } = request;
    const upstream = send({ port: askbook.port, method, path: url, headers });
    response.on("close", () => upstream.destroy());
    upstream.on("error", () => response.destroy());
    upstream.end(body);
    const [reply] = await once(upstream, "response");
    response.writeHead(reply.statusCode, reply.headers);
    if (!instruction) return reply.pipe(response);
    let rest = "";
    for await (const piece of reply.setEncoding("utf8")) {
      const events = (rest + piece).split("\n\n");
      rest = events.pop();
      for (const event of events) {
        if (event.includes(`"type":"${instruction.holdBefore}"`)) {
          await instruction.released;
          if (instruction.cut) return response.destroy();
        }
        response.write(`${event}\n\n`);
      }
    }
    response.end();
  }

  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    let instruction = null;
    if (request.method === "GET") proxy.loaded.push(request.url);
    const script = process.env.WIDGET === "dist" && SCRIPTS[request.url];
    if (script) {
      response.writeHead(200, { ...CORS, "content-type": "text/javascript" });
      return response.end(await readFile(join(ROOT, "web/widget/dist", script)));
    }
    if (request.method === "POST" && request.url === "/chat/stream") {
      proxy.questions.push(JSON.parse(body.toString()));
      [instruction, proxy.next] = [proxy.next, null];
    }
    await answer(instruction, request, response, body).catch(() => response.destroy());
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  proxy.origin = `http://127.0.0.1:${server.address().port}`;
  proxy.stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return proxy;
}
